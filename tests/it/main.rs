//! The program as its users meet it: the rules by hand-written fixtures, the commands by running them.

mod api;
mod canaries;
mod canary_failures;
mod commands;
mod failures;
mod firewall;
mod fixture;
mod golden;
mod killed;
mod mistakes;
mod mutants;
mod profiles;
mod program;
mod refusals;
mod unchanged;

//! The program as its users meet it: the rules by hand-written fixtures, the commands by running them.

mod api;
mod commands;
mod failures;
mod fixture;
mod golden;
mod mistakes;
mod mutants;
mod profiles;
mod program;
mod refusals;
mod unchanged;

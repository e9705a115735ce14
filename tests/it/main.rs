//! The program as its users meet it: the rules by hand-written fixtures, the commands by running them.

mod api;
mod commands;
mod fixture;
mod golden;
mod mutants;
mod profiles;
mod program;
mod unchanged;

//! The program as its users meet it: the rules by hand-written fixtures, the commands by running them.

mod fixture;
mod golden;
mod mutants;

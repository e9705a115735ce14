//! The two halves of a run: [`stage()`] turns the SSD into staged documents, [`submit()`] sends what is pending.

mod interrupt;
mod people;
mod stage;
mod submit;

pub use interrupt::Interrupt;
pub use people::{People, judge};
pub use stage::{
    Accepted, Changes, Event, Foreseen, Guard, Purges, Retirements, Shows, StageReport, StageSettings, Staged,
    WouldSend, stage,
};
pub use submit::{Stopped, SubmitReport, SubmitSettings, Submitted, intent_life, submit};

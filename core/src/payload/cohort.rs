//! Who is of the right age, and who is admitted (cohort fact sheet, 3 and 4; design, decision 9).

use jiff::ToSpan;
use jiff::civil::Date;

use super::column::DayCell;
use super::day::Day;
use super::findings::Fault;
use super::plan::Plan;
use super::rules::{Child, Env};

impl Plan {
    /// Whether a person of these dates is of the right age, as [`Plan::is_of_age`].
    ///
    /// # Errors
    /// [`Fault::ChildBadBirthDate`]: nobody can say of what age such a child is. It is left alone rather than taken for one who has left.
    pub fn judge_age(&self, birth: DayCell, expected: DayCell) -> Result<bool, Fault> {
        let day = |cell| if let DayCell::Day(day) = cell { Some(day) } else { None };
        match (birth, expected) {
            (DayCell::Bad, _) | (DayCell::None, DayCell::Bad) => Err(Fault::ChildBadBirthDate),
            (birth, expected) => Ok(self.is_of_age(day(birth), day(expected))),
        }
    }

    /// Whether a person is of the right age: younger than the limit at some time in the window, or due soon.
    pub fn is_of_age(&self, birth: Option<Day>, expected: Option<Day>) -> bool {
        let Some(day) = birth.or(expected) else { return false };
        if day > self.dates.run_day() {
            // To come: born tomorrow or expected, it is an expected date either way.
            return day <= self.people.due_until;
        }
        let Some(limit) = day.to_date().and_then(|born| born.checked_add(self.people.under_age.years()).ok()) else {
            return false;
        };
        limit > self.dates.start
    }
}

impl Child<'_> {
    /// Whether one of the definition's sets admits the child.
    pub fn is_included(self) -> bool {
        let admits =
            |set: &super::plan::IncludePlan| self.rows(set.table).any(|row| self.all_hold(&set.rows, &Env::of(row)));
        self.plan.include.iter().any(admits)
    }
}

impl Day {
    /// The day as a calendar date for arithmetic.
    pub fn to_date(self) -> Option<Date> {
        let (year, month, day) = self.parts();
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    }
}

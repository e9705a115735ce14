//! Who is of the right age, and who is admitted (cohort fact sheet, 3 and 4; design, decision 9).

use jiff::ToSpan;
use jiff::civil::Date;

use super::day::Day;
use super::plan::Plan;
use super::rules::{Child, Env};

impl Plan {
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

//! What real extracts hold and no specification mentions: the contents that bend the document
//! (SSD fact sheet, section 4; payload fact sheet).
//!
//! An awkward child has a few quirks. They bend its rows on their way out, by table and column, so that the rest of the
//! generator tells a clean story; and they have their own chance, so that the child is otherwise the same as if it were not awkward.

mod quirk;

use fastrand::Rng;

use crate::chance::{Chance, mix};
use crate::child::Setting;
use crate::rows::{Rows, Value};
use crate::tables::Table;
use quirk::{COMMON, Quirk};

/// 1900-01-01, which SystemC writes for "no date".
const NO_DATE: i32 = -25_567;

/// What is awkward about one child.
pub struct Awkward {
    quirks: Vec<Quirk>,
    rng: Rng,
    today: i32,
}

/// A value that a quirk made, or the one that was there.
#[derive(Clone)]
enum Bent<'a> {
    Same(Value<'a>),
    Text(String),
}

impl Bent<'_> {
    fn value(&self) -> Value<'_> {
        match self {
            Bent::Same(value) => *value,
            Bent::Text(text) => Value::Text(text),
        }
    }
}

impl Awkward {
    /// Whether child `number` is awkward, and how.
    pub fn draw(setting: Setting, number: u64) -> Option<Awkward> {
        let mut rng = Rng::with_seed(mix(&[setting.seed, number, 0x0A3C]));
        if !rng.happens(setting.awkward) {
            return None;
        }
        let mut quirks = vec![rng.one(COMMON)];
        for _ in 0..rng.weighted(&[(0, 3), (1, 4), (2, 2), (4, 1)]) {
            quirks.push(rng.one(COMMON));
        }
        if rng.happens(0.01) {
            quirks.push(Quirk::RefusedId);
        }
        Some(Awkward { quirks, rng, today: setting.today })
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// The child's id, or one made from it that no rule lets through.
    pub fn child_id(&self, id: String) -> String {
        match (self.has(Quirk::RefusedId), id.len() % 2) {
            (false, _) => id,
            (true, 0) => format!("{id}/old.record"),
            (true, _) => format!("{id}-0123456789-0123456789-0123456789"),
        }
    }

    /// Adds the row as it would be found.
    pub fn push(&mut self, table: Table, values: &[Value<'_>], rows: &mut Rows<'_>) {
        let columns = table.columns();
        let mut bent: Vec<Bent<'_>> = values.iter().map(|value| Bent::Same(*value)).collect();
        for (value, column) in bent.iter_mut().zip(columns) {
            let shaped = match value {
                Bent::Same(Value::Text(text)) => self.bend_text(column, text),
                Bent::Same(Value::Null) => self.bend_null(column),
                _ => None,
            };
            if let Some(shaped) = shaped {
                *value = shaped;
            }
        }
        self.bend_row(table, &mut bent);
        let values: Vec<Value<'_>> = bent.iter().map(Bent::value).collect();
        rows.push(table, &values);
        self.push_again(table, &values, rows);
    }

    /// Some other row beside the one just added.
    fn push_again(&mut self, table: Table, values: &[Value<'_>], rows: &mut Rows<'_>) {
        let mut again = values.to_vec();
        match table {
            Table::Assessment | Table::CinPlan | Table::Section47 | Table::CpPlan | Table::Placement
                if self.has(Quirk::DuplicateMember) && self.rng.happens(0.5) =>
            {
                // The second says something else, or nothing new.
                if let (Some(Value::Day(day)), true) =
                    (again.iter_mut().find(|value| matches!(value, Value::Day(_))), self.rng.happens(0.5))
                {
                    *day += 7;
                }
            }
            Table::Factors if self.has(Quirk::FactorsTwice) => again[1] = Value::Text("[\"3B\", \"4B\"]"),
            Table::Disability if self.has(Quirk::NoneBeside) => again[1] = Value::Text("NONE"),
            _ => return,
        }
        rows.push(table, &again);
    }

    fn bend_null<'a>(&mut self, column: &str) -> Option<Bent<'a>> {
        let is_date = column.contains("_date") || column.ends_with("_dob");
        let same = |value| Some(Bent::Same(value));
        match column {
            "pers_legacy_id" if self.has(Quirk::MinusOne) => same(Value::Text("-1")),
            "pers_single_unique_id" if self.has(Quirk::Placeholder) => same(Value::Text("SSD_SUI")),
            "pers_upn" if self.has(Quirk::ReasonAsNumber) => same(Value::Text("UN1")),
            "pers_dob" => None,
            _ if is_date && self.has(Quirk::NoDate) => same(Value::Day(NO_DATE)),
            _ if !is_date && self.has(Quirk::EmptyText) => same(Value::Text("")),
            _ => None,
        }
    }

    fn bend_text<'a>(&mut self, column: &str, text: &str) -> Option<Bent<'a>> {
        let same = |text: &'static str| Some(Bent::Same(Value::Text(text)));
        let made = |text: String| Some(Bent::Text(text));
        match column {
            "pers_legacy_id" | "link_identifier_value" if self.has(Quirk::Placeholder) => same("SSD_PH"),
            "pers_upn" if self.has(Quirk::ReasonAsNumber) => same("UN1"),
            "pers_upn" if self.has(Quirk::ShortNumber) => made(text.chars().take(12).collect()),
            "pers_forename" | "pers_surname" if self.has(Quirk::SpacedName) => made(format!("  {text} \u{a0}")),
            "pers_surname" if self.has(Quirk::LongName) => made([text; 30].join("-").chars().take(200).collect()),
            "pers_forename" if self.has(Quirk::EmptyText) => same(""),
            "pers_ethnicity" if self.has(Quirk::EclipseEthnicity) => {
                same(self.rng.one(&["CNHE", "MWBa", "ORAB", "??"]))
            }
            "immi_immigration_status" if text == "U" && self.has(Quirk::StatusInWords) => same(self.rng.one(&[
                "UASC",
                "Unaccompanied asylum seeking child",
                "Asylum seeker - UASC (age disputed)",
                " u ",
            ])),
            "addr_address_postcode" | "clap_cla_placement_postcode" if self.has(Quirk::NoPostcode) => {
                let whole = text.replace(' ', "");
                match self.rng.between(0, 3) {
                    0 => same(""),
                    1 => same("NOPOSTCODE"),
                    2 => same("XX99 9XX."),
                    _ => made(whole.to_lowercase()),
                }
            }
            "cinf_assessment_factors_json" => self.bend_factors(text),
            "s47e_s47_outcome_json" if self.has(Quirk::OutcomeText) => {
                same("Concerns substantiated, child at risk: convene \"ICPC\"")
            }
            "s47e_s47_outcome_json" if self.has(Quirk::OutcomeKey) => {
                made(text.replace("\"CP_CONFERENCE_FLAG\":", "\"OUTCOME_CP_CONFERENCE_FLAG\" :"))
            }
            "cine_referral_nfa" if self.has(Quirk::OtherFlag) => same(if text == "Y" {
                self.rng.one(&["T", "1", "y", "t"])
            } else {
                self.rng.one(&["F", "0", "n", "?"])
            }),
            "clae_cla_placement_id" if self.has(Quirk::UnnamedPlacement) => Some(Bent::Same(Value::Null)),
            "invo_referral_id" | "icpc_s47_enquiry_id" | "cinp_referral_id"
                if self.has(Quirk::MinusOne) && self.rng.happens(0.5) =>
            {
                same("-1")
            }
            _ if is_code(column) => self.bend_code(text),
            _ if self.has(Quirk::PaddedId) && is_reference(column) => made(format!("{text}  ")),
            _ => None,
        }
    }

    fn bend_code<'a>(&mut self, code: &str) -> Option<Bent<'a>> {
        let quirk = self.quirks.iter().find(|quirk| {
            matches!(quirk, Quirk::Described | Quirk::LowerCase | Quirk::SpacedCode | Quirk::InvalidCode)
        })?;
        let bent = match quirk {
            Quirk::Described => format!(
                "{code} {}",
                self.rng.one(&["- as recorded on the form", "Other (please specify)", "(local category)"])
            ),
            Quirk::LowerCase => code.to_lowercase(),
            Quirk::SpacedCode => format!(" {code}\t"),
            _ if self.rng.happens(0.5) => {
                self.rng.one(&["ZZZ", "??", "DQ", "With parents", "Not known", "99"]).to_owned()
            }
            _ => return None,
        };
        Some(Bent::Text(bent))
    }

    fn bend_factors<'a>(&mut self, list: &str) -> Option<Bent<'a>> {
        let codes: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        let first = codes.first()?;
        let quirk = self.quirks.iter().find(|quirk| {
            matches!(quirk, Quirk::FactorNulls | Quirk::FactorObject | Quirk::FactorText | Quirk::FactorWithdrawn)
        })?;
        Some(Bent::Text(match quirk {
            Quirk::FactorNulls => format!("[null, \"{}\", null, \"{first}\", null]", codes.join("\", null, \"")),
            Quirk::FactorObject => format!("{{\"{}\": \"Yes\", \"24A\": \"No\"}}", codes.join("\": \"Yes\", \"")),
            Quirk::FactorText => match self.rng.between(0, 3) {
                0 => codes.join(", "),
                1 => list.trim_end_matches([']', '"']).to_owned(),
                2 => "null".to_owned(),
                _ => String::new(),
            },
            _ => format!("[\"18A\", \"{}\", \"19A\"]", codes.join("\", \"")),
        }))
    }

    /// Quirks that concern several columns of a row.
    fn bend_row(&mut self, table: Table, bent: &mut [Bent<'_>]) {
        match table {
            Table::Person => self.bend_births(bent),
            Table::Sdq if self.has(Quirk::ScoreOutOfRange) => {
                bent[2] = Bent::Same(Value::Number(i64::from(self.rng.one(&[41, 99, -1, -5]))));
            }
            // Start and end stand side by side in these.
            Table::CinPlan
            | Table::CpPlan
            | Table::Section47
            | Table::Placement
            | Table::Involvement
            | Table::Referral
                if self.has(Quirk::EndBeforeStart) =>
            {
                let mut start = None;
                for value in bent {
                    match (start, &mut *value) {
                        (None, Bent::Same(Value::Day(day))) => start = Some(*day),
                        (Some(start), Bent::Same(Value::Day(day))) => *day = start - 5,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn bend_births(&mut self, bent: &mut [Bent<'_>]) {
        let [.., born, due, _] = bent else { return };
        let (date, unborn) = match (born.value(), due.value()) {
            (Value::Day(day), _) => (day, false),
            (_, Value::Day(day)) => (day, true),
            _ => return,
        };
        if self.has(Quirk::BothBirths) {
            let expected = if unborn || date > self.today { date } else { date + self.rng.between(-20, 20) };
            (*born, *due) = (Bent::Same(Value::Day(date)), Bent::Same(Value::Day(expected)));
        } else if self.has(Quirk::EstimatedBirth) {
            (*born, *due) = (Bent::Same(Value::Null), Bent::Same(Value::Day(date)));
        }
    }
}

fn is_code(column: &str) -> bool {
    matches!(
        column,
        "pers_upn_unknown"
            | "pers_sex"
            | "pers_ethnicity"
            | "disa_disability_code"
            | "cine_referral_source_code"
            | "cine_close_reason"
            | "clap_cla_placement_type"
            | "clap_cla_placement_change_reason"
            | "clae_cla_episode_start_reason"
            | "clae_cla_episode_ceased_reason"
            | "clea_care_leaver_activity"
            | "clea_care_leaver_accommodation"
            | "invo_professional_role_id"
    )
}

/// Whether a column refers to a record of another table.
fn is_reference(column: &str) -> bool {
    column.ends_with("_id")
        && !matches!(
            column,
            "pers_person_id"
                | "pers_legacy_id"
                | "pers_single_unique_id"
                | "cine_referral_id"
                | "cina_assessment_id"
                | "cinp_cin_plan_id"
                | "s47e_s47_enquiry_id"
                | "cppl_cp_plan_id"
                | "clap_cla_placement_id"
                | "clae_cla_episode_id"
                | "prof_professional_id"
        )
}

//! Reading the receipts of an accepted batch (fact sheet, section 4).
//!
//! DfE answers with a JSON array of strings, one per child in the order sent: `YYYY-MM-DD_HH:MM:SS.ff_<id>.json`. Read
//! leniently, because the form is known from other tools only: any number of fraction digits from none to nine, `.json` or
//! not, spaces around, underscores inside the id; and a plain text of receipts separated by white space instead of the array.
//!
//! **A string of another form** in the array is still a receipt: the answer is a success and has one string per record, so
//! the record was taken, and how DfE names it is DfE's affair. Its id is then the whole string and its time is not
//! known. It must look like a name, though: one word of at most 200 characters. A sentence in that place would be
//! a message, perhaps a refusal, and believing it would lose a child. In the plain text form every word must end in `.json` or have the
//! known form.

use csc_bridge_core::sink::Receipt;

/// Longest id taken for one.
const LONGEST_ID: usize = 200;

/// The receipts of an answer's body, or `None` where it cannot be understood.
pub(crate) fn parse(body: &str) -> Option<Vec<Receipt>> {
    if let Ok(list) = serde_json::from_str::<Vec<String>>(body) {
        return list.iter().map(|text| stamped(text).or_else(|| name(text))).collect();
    }
    let text = serde_json::from_str::<String>(body);
    let text = text.as_deref().unwrap_or(body);
    text.split_whitespace()
        .map(|word| stamped(word).or_else(|| name(word).filter(|_| word.ends_with(".json"))))
        .collect()
}

/// A receipt of the known form.
fn stamped(text: &str) -> Option<Receipt> {
    let text = text.trim();
    let text = text.strip_suffix(".json").unwrap_or(text);
    let mut parts = text.splitn(3, '_');
    let (date, time, id) = (parts.next()?, parts.next()?, parts.next()?);
    if !is_name(id) {
        return None;
    }
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if fraction.is_empty() || fraction.len() > 9 || !digits(fraction) {
        return None;
    }
    // Only a moment that exists: jiff refuses 31 February.
    let [month, day, hour, minute, second] = [month, day, hour, minute, second].map(|number| number as i8);
    jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(Receipt { id: id.to_owned(), received_at: Some(format!("{date} {clock}.{millis}")) })
}

/// A receipt of another form: the whole of it is DfE's id.
fn name(text: &str) -> Option<Receipt> {
    let text = text.trim();
    is_name(text).then(|| Receipt { id: text.to_owned(), received_at: None })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_ID && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Three numbers of exactly these lengths.
fn numbers(text: &str, separator: char, lengths: [usize; 3]) -> Option<[i16; 3]> {
    let mut parts = text.split(separator);
    let mut next = |length| parts.next().filter(|part| part.len() == length && digits(part))?.parse().ok();
    let numbers = [next(lengths[0])?, next(lengths[1])?, next(lengths[2])?];
    parts.next().is_none().then_some(numbers)
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (String, Option<String>) {
        let body = serde_json::to_string(&[text]).expect("JSON");
        let [receipt] = parse(&body).expect(text).try_into().expect("one receipt");
        (receipt.id, receipt.received_at)
    }

    fn at(id: &str, time: &str) -> (String, Option<String>) {
        (id.to_owned(), Some(time.to_owned()))
    }

    #[test]
    fn the_documented_form_gives_id_and_time() {
        let receipt = one("2025-11-20_09:08:07.65_0b9c-42.json");
        assert_eq!(receipt, at("0b9c-42", "2025-11-20 09:08:07.650"));
    }

    #[test]
    fn fractions_of_none_to_nine_digits_are_cut_or_filled_to_milliseconds() {
        assert_eq!(one("2025-11-20_09:08:07_a.json"), at("a", "2025-11-20 09:08:07.000"));
        assert_eq!(one("2025-11-20_09:08:07.1_a.json"), at("a", "2025-11-20 09:08:07.100"));
        assert_eq!(one("2025-11-20_09:08:07.123456789_a.json"), at("a", "2025-11-20 09:08:07.123"));
    }

    #[test]
    fn the_ending_may_be_missing_spaces_may_surround_and_the_id_may_hold_underscores() {
        assert_eq!(one(" 2025-11-20_09:08:07.65_a_b_c "), at("a_b_c", "2025-11-20 09:08:07.650"));
        assert_eq!(one("2025-11-20_09:08:07.65_a_b.json"), at("a_b", "2025-11-20 09:08:07.650"));
    }

    #[test]
    fn a_word_of_another_form_is_the_id_whole_and_has_no_time() {
        for text in [
            "0b9c-42.json",
            "2025-13-20_09:08:07.65_a.json",
            "2025-11-20_09:08:07.1234567890_a",
            "2025-1-2_9:8:7.6_a",
            "a_b",
        ] {
            assert_eq!(one(text), (text.to_owned(), None));
        }
    }

    #[test]
    fn text_separated_by_white_space_is_taken_where_every_word_is_a_receipt() {
        let text = "2025-11-20_09:08:07.65_a.json\r\n 2025-11-20_09:08:07.66_b\todd.json\n";
        let ids =
            |body: &str| parse(body).map(|receipts| receipts.into_iter().map(|receipt| receipt.id).collect::<Vec<_>>());
        let expected = ["a", "b", "odd.json"].map(str::to_owned).to_vec();
        assert_eq!(ids(text), Some(expected.clone()));
        assert_eq!(ids(&serde_json::to_string(text).expect("JSON")), Some(expected));
        assert_eq!(ids("2025-11-20_09:08:07.65_a.json accepted"), None);
    }

    #[test]
    fn what_is_no_list_of_words_is_not_understood() {
        for body in [
            r#"{"receipts":["a"]}"#,
            r#"["a",1]"#,
            r#"["a",null]"#,
            r#"[""]"#,
            r#"["[0] sex is not a code"]"#,
            "<html>Welcome</html>",
            "OK",
            "[\"a\"",
        ] {
            assert_eq!(parse(body), None, "{body}");
        }
        assert_eq!(parse(&format!("[\"{}\"]", "a".repeat(201))), None);
    }
}

//! The ways of being awkward: the contents that bend the document (SSD fact sheet, section 4; payload fact sheet).

/// One way of being awkward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// `SSD_PH` and `SSD_SUI` in place of values.
    Placeholder,
    /// 1900-01-01 in place of a missing date.
    NoDate,
    /// -1 in place of a reference.
    MinusOne,
    /// Codes as descriptions that begin with the code.
    Described,
    /// Codes in lower case.
    LowerCase,
    /// Codes with spaces around them.
    SpacedCode,
    /// Codes that are none.
    InvalidCode,
    /// Ids of child tables padded with spaces.
    PaddedId,
    /// Ends before starts.
    EndBeforeStart,
    /// Factors with nulls and duplicates in the list.
    FactorNulls,
    /// Factors as an object.
    FactorObject,
    /// Factors that are not JSON.
    FactorText,
    /// Two rows of factors for an assessment.
    FactorsTwice,
    /// Factors that were withdrawn.
    FactorWithdrawn,
    /// An outcome that is not JSON.
    OutcomeText,
    /// The conference flag under its other key.
    OutcomeKey,
    /// Two records with one id.
    DuplicateMember,
    /// Empty text in place of nothing.
    EmptyText,
    /// Spaces around names.
    SpacedName,
    /// A name longer than the document allows.
    LongName,
    /// A reason in the column of the pupil number.
    ReasonAsNumber,
    /// A pupil number of the wrong length.
    ShortNumber,
    /// Ethnicities that Eclipse writes.
    EclipseEthnicity,
    /// `NONE` beside disabilities.
    NoneBeside,
    /// An immigration status in words.
    StatusInWords,
    /// A score out of range.
    ScoreOutOfRange,
    /// A postcode that is none.
    NoPostcode,
    /// A placement that no care episode names.
    UnnamedPlacement,
    /// Both dates of birth.
    BothBirths,
    /// A birth date marked as estimated, and so kept as the expected date.
    EstimatedBirth,
    /// A flag in other words.
    OtherFlag,
    /// A child id that cannot be sent. Very rare.
    RefusedId,
}

/// All but the very rare ones.
pub const COMMON: &[Quirk] = &[
    Quirk::Placeholder,
    Quirk::NoDate,
    Quirk::MinusOne,
    Quirk::Described,
    Quirk::LowerCase,
    Quirk::SpacedCode,
    Quirk::InvalidCode,
    Quirk::PaddedId,
    Quirk::EndBeforeStart,
    Quirk::FactorNulls,
    Quirk::FactorObject,
    Quirk::FactorText,
    Quirk::FactorsTwice,
    Quirk::FactorWithdrawn,
    Quirk::OutcomeText,
    Quirk::OutcomeKey,
    Quirk::DuplicateMember,
    Quirk::EmptyText,
    Quirk::SpacedName,
    Quirk::LongName,
    Quirk::ReasonAsNumber,
    Quirk::ShortNumber,
    Quirk::EclipseEthnicity,
    Quirk::NoneBeside,
    Quirk::StatusInWords,
    Quirk::ScoreOutOfRange,
    Quirk::NoPostcode,
    Quirk::UnnamedPlacement,
    Quirk::BothBirths,
    Quirk::EstimatedBirth,
    Quirk::OtherFlag,
];

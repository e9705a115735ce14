//! What can be wrong with a twin.

/// What is wrong with a twin's product. Some are made of text over a product that lacks the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceFault {
    /// A cut connection lives on, with its locks.
    SurvivesCuts,
    /// Text of a fixed width is padded with what is no white space.
    PadsWithOtherThanSpace,
    /// UUIDs are upper-case text.
    UuidsInUpperCase,
    /// A moment is the day it has in UTC.
    MomentsInUtc,
}

/// What is wrong with a twin's source.
#[derive(Debug, Clone, Copy)]
pub enum SourceFault {
    /// The last batch is lost, and the end attests the rest.
    LosesTheLastBatch,
    /// The end attests a row more than there were.
    AttestsTooMany,
    /// An error is taken for the end.
    SwallowsCuts,
    /// Every batch comes twice.
    DeliversTwice,
    /// Of rows that look the same, one comes.
    DeliversDistinct,
    /// A row that reaches several children comes for the first of them.
    DeliversToOneChild,
    /// Rows that reach the first child by a join are lost.
    LosesJoinedRows,
    /// Each row has the next child's number.
    TagsOffByOne,
    /// The child's number is the last column.
    ChildLast,
    /// Later batches have other types.
    SchemaWanders,
    /// Ids that this makes equal are one id.
    Folds(fn(&str) -> String),
    /// Ids with white space at an end match nothing.
    TrimsNothing,
    /// Cells are changed by this.
    Changes(fn(Option<&str>) -> Option<String>),
    /// A second set is ignored.
    KeepsTheFirstSet,
    /// An empty set is ignored.
    KeepsTheSetBeforeAnEmptyOne,
    /// A table has no rows, says the count.
    CountsNothing,
    /// Texts that stand for no key join.
    JoinsPlaceholders,
    /// Each read has its own moment, and between reads there is no lock.
    ReopensForEachRead,
    /// Tables that were not named are read.
    ReadsAnyTable,
    /// What comes after a dropped stream is empty.
    IsEmptyAfterADrop,
    /// What is not there is taken for empty.
    ForgivesTheSchema,
    /// Errors name nothing.
    SaysLittle,
    /// Names of other characters than those of programs, and words of SQL, are refused.
    RefusesOddNames,
    /// Names are cut to 59 characters.
    CutsNames,
    /// Views are not found.
    OverlooksViews,
    /// A session needs a right to write.
    NeedsToWrite,
}

impl PartialEq for SourceFault {
    fn eq(&self, other: &SourceFault) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// What is wrong with a twin's staging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StagingFault {
    /// Prepares nothing.
    ForgetsToPrepare,
    /// Creates what it may not.
    CreatesAnyway,
    /// Preparing writes every row anew.
    PreparesAnew,
    /// Prepares over a fault of the schema.
    OverlooksColumns,
    /// Refuses names with a quote.
    RefusesOddNames,
    /// The ledger lacks a row.
    LosesARow,
    /// Ids are lower case.
    FoldsIds,
    /// Padded ids match nothing.
    TrimsNothing,
    /// Only words in lower case are known.
    KnowsOneCase,
    /// Every key comes twice.
    KeysTwice,
    /// No row has an age.
    Ageless,
    /// An error of the data is taken for no rows.
    OverlooksDuplicates,
    /// Applying writes nothing, and says it did.
    ForgetsCommit,
    /// Changes are written as they are pushed.
    WritesAtOnce,
    /// A part of the version is not compared.
    Ignores(VersionPart),
    /// What is there is overwritten, what is not is inserted.
    Overwrites,
    /// A row without a new document gets an empty one.
    AlwaysWritesADocument,
    /// A word that is not known becomes pending.
    TidiesWords,
    /// What is prepared is never cleared.
    KeepsWhatIsPrepared,
    /// Every write is written now.
    AlwaysTouches,
    /// Every row before one that is refused is written.
    SavesWhatItCan,
    /// Half of the changes are written, and all of them counted.
    BelievesItApplied,
    /// Ids are cut to 48 characters.
    CutsIds,
    /// Documents are cut to 4,000 characters on the way out.
    CutsDocuments,
    /// Characters of four bytes are replaced on the way in.
    ReplacesAstral,
    /// What is held is taken for what is wanted.
    MixesDocuments,
    /// The newest change goes first.
    NewestFirst,
    /// Every row is a candidate.
    EverythingIsACandidate,
    /// Every choice is the first.
    OneChoice,
    /// An outcome goes into every row of the child.
    RecordsIntoEveryRow,
    /// A claim has an order of its own.
    ClaimsInOrderOfIds,
    /// A claim reads its rows and holds none of them until it writes.
    ClaimsWithoutALock,
    /// A claim keeps the rows that it asked for and did not get.
    KeepsWhatItAskedFor,
    /// The first claim that is dropped goes on holding its rows.
    NeverFrees,
    /// Any number of processes may send.
    LetsEverybodySend,
    /// A claim says that it is held, always.
    AlwaysHeld,
    /// Any number of processes may stage.
    LetsEverybodyStage,
    /// Two processes that prepare at once are in each other's way.
    PreparesAlone,
    /// A shard keeps all others out, as the whole does.
    TakesShardsForTheWhole,
    /// Any number of shards may stage, whatever they are of.
    LetsEveryShardStage,
    /// The log does not say of a run that it was a shard's.
    ForgetsShards,
    /// Outcomes are lost.
    ForgetsOutcomes,
    /// DfE's time is lost.
    ForgetsTheTime,
    /// What was accepted is what is wanted.
    BelievesItIsWanted,
    /// The time of a child out of the cohort is written.
    TouchesWhoLeft,
    /// Reasons are cut to ten characters.
    CutsReasons,
    /// Unusable is refused.
    UnusableIsRefused,
    /// A purge is a document that is held.
    PurgesAreDocuments,
    /// Nothing is withdrawn.
    WithdrawsNothing,
    /// A row without an outcome was refused.
    InventsOutcomes,
    /// Outcomes of rows that are not claimed are dropped, and a second outcome of a row, too.
    OverlooksStrangers,
    /// An answer closes every intent.
    ClosesAllIntents,
    /// An answer closes no intent.
    LeavesIntentsOpen,
    /// Nothing is recovered.
    RecoversNothing,
    /// However young a request is.
    RecoversTheYoung,
    /// Whoever sends.
    RecoversFromTheLiving,
    /// Children out of the cohort are pending when they are unsure.
    SendsWhoLeft,
    /// What was mentioned is forgotten.
    ForgetsWhatWasMentioned,
    /// What cannot be said is guessed.
    GuessesWhatIsHeld,
    /// All records of an attempt are closed.
    ClosesTheWholeAttempt,
    /// Nobody is marked, and everybody said to be.
    ResubmitsNobody,
    /// A dry look marks.
    ResubmitsWhoeverLooks,
    /// Whoever is asked for becomes pending, whatever the row says.
    ResubmitsEverybody,
    /// What was accepted once is held for ever.
    BelievesForEver,
    /// Every run staged.
    EveryRunStaged,
    /// The status is empty.
    CountsNothing,
    /// The logs are emptied.
    PrunesEverything,
    /// The logs are never pruned.
    PrunesNothing,
}

/// A column of a row's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionPart {
    /// `previous_hash`.
    PreviousHash,
    /// `submission_status`.
    Status,
    /// `row_state`.
    RowState,
    /// `last_updated`.
    LastUpdated,
}

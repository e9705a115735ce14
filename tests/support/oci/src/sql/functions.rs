//! Functions: those of the list, by their names.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    ObjectName, ObjectNamePart, Value,
};

use super::names::{function, ours};
use crate::error::{Result, told, unknown};

/// Of the schema `oracle`, under the same name.
const SIMULATED: [&str; 30] = [
    "TO_CHAR",
    "TO_DATE",
    "TO_TIMESTAMP",
    "TO_NUMBER",
    "TO_CLOB",
    "EMPTY_CLOB",
    "EMPTY_BLOB",
    "LENGTH",
    "LENGTHB",
    "SUBSTR",
    "INSTR",
    "TRIM",
    "LTRIM",
    "RTRIM",
    "REPLACE",
    "TRANSLATE",
    "REGEXP_REPLACE",
    "RAWTOHEX",
    "HEXTORAW",
    "TRUNC",
    "NUMTODSINTERVAL",
    "SYS_CONTEXT",
    "SYS_EXTRACT_UTC",
    "FROM_TZ",
    "SYSDATE",
    "SYSTIMESTAMP",
    "JOIN",
    "LOB_COMPARE",
    "LOB_LENGTH",
    "LOB_SUBSTR",
];

/// PostgreSQL's, which do the same.
const SAME: [&str; 26] = [
    "COUNT",
    "SUM",
    "MIN",
    "MAX",
    "AVG",
    "ROW_NUMBER",
    "RANK",
    "DENSE_RANK",
    "LAG",
    "LEAD",
    "FIRST_VALUE",
    "LAST_VALUE",
    "COALESCE",
    "NULLIF",
    "UPPER",
    "LOWER",
    "ROUND",
    "MOD",
    "ABS",
    "SIGN",
    "POWER",
    "CEIL",
    "FLOOR",
    "LPAD",
    "RPAD",
    "ASCII",
];

/// Functions of packages.
const PACKAGED: [(&str, &str); 5] = [
    ("DBMS_LOB.COMPARE", "lob_compare"),
    ("DBMS_LOB.GETLENGTH", "lob_length"),
    ("DBMS_LOB.SUBSTR", "lob_substr"),
    ("UTL_RAW.CAST_TO_RAW", "cast_to_raw"),
    ("UTL_RAW.CAST_TO_VARCHAR2", "cast_to_varchar2"),
];

/// Whether a function is an analytic or grouping one, beside which no row can be locked.
pub(crate) fn is_aggregate(name: &str) -> bool {
    SAME[..12].contains(&name)
}

/// A call of a function of the schema `oracle`.
pub(crate) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(made(function(name), args))
}

fn made(name: ObjectName, args: Vec<Expr>) -> Function {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        within_group: Vec::new(),
        filter: None,
        null_treatment: None,
        over: None,
    }
}

/// The arguments, where they are plain ones.
fn arguments(of: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &of.args else {
        return matches!(of.args, FunctionArguments::None).then(Vec::new);
    };
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    let plain = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    list.args.iter().map(plain).collect()
}

/// What a call is for PostgreSQL; `None` where the call itself was changed.
pub(crate) fn rewrite(of: &mut Function) -> Result<Option<Expr>> {
    // What was made here.
    if of.name.to_string().starts_with('\u{1}') {
        return Ok(None);
    }
    if !of.within_group.is_empty() || of.filter.is_some() || of.null_treatment.is_some() || of.uses_odbc_syntax {
        return Err(unknown(of.to_string()));
    }
    let name = of.name.to_string().to_uppercase();
    if let Some((_, ours)) = PACKAGED.iter().find(|(packaged, _)| *packaged == name) {
        of.name = function(ours);
        return Ok(None);
    }
    if of.over.is_some() && !is_aggregate(&name) {
        return Err(unknown(of.to_string()));
    }
    let Some(args) = arguments(of) else {
        // COUNT(*), COUNT(DISTINCT x).
        if is_aggregate(&name) {
            of.name = ObjectName(vec![ObjectNamePart::Identifier(ours(&name.to_lowercase()))]);
            return Ok(None);
        }
        return Err(unknown(of.to_string()));
    };
    if let Some((_, ours)) =
        [("TO_NCHAR", "to_char"), ("UNISTR", "unistr"), ("XMLTYPE", "xmltype")].iter().find(|(one, _)| *one == name)
    {
        of.name = function(ours);
        return Ok(None);
    }
    if SIMULATED[..26].contains(&name.as_str()) {
        of.name = function(&name.to_lowercase());
        return Ok(None);
    }
    if SAME.contains(&name.as_str()) {
        of.name = ObjectName(vec![ObjectNamePart::Identifier(ours(&name.to_lowercase()))]);
        return Ok(None);
    }
    match (name.as_str(), args.as_slice()) {
        ("NVL", [_, _]) => {
            Ok(Some(Expr::Function(made(ObjectName(vec![ObjectNamePart::Identifier(ours("coalesce"))]), args))))
        }
        ("NVL2", [value, then, otherwise]) => {
            let condition = Expr::IsNotNull(Box::new(nested(value)));
            Ok(Some(case(vec![(condition, then.clone())], Some(otherwise.clone()))))
        }
        ("DECODE", [value, pairs @ ..]) if pairs.len() >= 2 => Ok(Some(decode(value, pairs))),
        ("CHR", [_]) => Ok(Some(Expr::Function(made(ObjectName(vec![ObjectNamePart::Identifier(ours("chr"))]), args)))),
        ("NVL" | "NVL2" | "DECODE" | "CHR", _) => Err(told(909, "invalid number of arguments")),
        // Oracle knows many more; what is none of its functions is ORA-00904.
        _ => Err(unknown(format!("the function {name} (where Oracle does not either, it says ORA-00904)"))),
    }
}

fn nested(expr: &Expr) -> Expr {
    Expr::Nested(Box::new(expr.clone()))
}

/// DECODE compares nulls as equals.
fn decode(value: &Expr, pairs: &[Expr]) -> Expr {
    let mut conditions = Vec::new();
    for pair in pairs.chunks_exact(2) {
        let same = Expr::IsNotDistinctFrom(Box::new(nested(value)), Box::new(nested(&pair[0])));
        conditions.push((same, pair[1].clone()));
    }
    let otherwise = (pairs.len() % 2 == 1).then(|| pairs.last().cloned()).flatten();
    case(conditions, otherwise)
}

fn case(conditions: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: conditions.into_iter().map(|(condition, result)| CaseWhen { condition, result }).collect(),
        else_result: otherwise.map(Box::new),
    }
}

/// `a || b`, to which nulls add nothing.
pub(crate) fn join(left: Expr, right: Expr) -> Expr {
    call("join", vec![call("to_char", vec![left]), call("to_char", vec![right])])
}

/// A whole number in arithmetic is a NUMBER, not an integer of PostgreSQL's, which would be divided to a whole one.
pub(crate) fn as_number(expr: &mut Expr) {
    if let Expr::Value(value) = expr
        && let Value::Number(digits, _) = &mut value.value
        && digits.bytes().all(|digit| digit.is_ascii_digit())
    {
        digits.push('.');
    }
}

pub(crate) fn is_arithmetic(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Divide, Minus, Multiply, Plus};
    matches!(op, Plus | Minus | Multiply | Divide)
}

/// `int8(x)`.
pub(crate) fn whole(expr: Expr) -> Function {
    made(ObjectName(vec![ObjectNamePart::Identifier(ours("int8"))]), vec![expr])
}

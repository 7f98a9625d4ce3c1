//! A condition: a text in CEL (<https://cel.dev>), checked against the table of fields before it is ever run, and run without loops:
//! what it costs grows with its length alone, which is limited.

use super::{
    Moment,
    scan::{Placed, Position, Problem, Token, position, scan},
    schema::{self, FIELDS, Field, Kind, VARIABLES, Value},
};
use cel::{
    Context, IdedExpr,
    common::ast::{
        Expr,
        operators::{DIVIDE, LOGICAL_AND, LOGICAL_OR, MODULO},
    },
    parser::PrattParser,
};
use std::{collections::HashMap, fmt, sync::Arc};

/// Nodes of the parsed text.
const NODES_MAX: usize = 1200;
/// How deep the parser may go.
const RECURSION_MAX: u16 = 48;
/// Words that are no fields.
const KEYWORDS: [&str; 4] = ["true", "false", "null", "in"];
/// What may be asked of a text or list.
const METHODS: [&str; 4] = ["contains", "startsWith", "endsWith", "size"];
/// Letters that may differ for a suggestion, against the length of the word.
const SUGGESTED_WITHIN: usize = 3;

/// A condition that can be run.
#[derive(Clone)]
pub struct Condition {
    text: String,
    expression: Arc<IdedExpr>,
    fields: Vec<&'static Field>,
    /// Whether it divides anything.
    divides: bool,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.text).finish()
    }
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// Everything that is wrong with it, with places.
    pub fn new(text: &str) -> Result<Self, Vec<Problem>> {
        let tokens = scan(text).map_err(|problem| vec![problem])?;
        let problems: Vec<Problem> = (0..tokens.len()).filter_map(|n| check(&tokens, n)).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let parser = PrattParser::new().max_recursion_depth(RECURSION_MAX).max_expression_node_count(NODES_MAX);
        let expression = parser.parse(text).map_err(|errors| parse_problems(text, &errors))?;
        let mut fields: Vec<&'static Field> = tokens.iter().filter_map(|placed| read_field(&placed.token)).collect();
        fields.sort_unstable_by_key(|field| field.path);
        fields.dedup_by_key(|field| field.path);
        let divides = tokens.iter().any(|placed| matches!(placed.token, Token::Sign("/" | "%")));
        let condition = Self { text: text.to_owned(), expression: Arc::new(expression), fields, divides };
        // a run over example values finds what is compared with what it cannot be compared with
        match condition.run(&|field| example(field)) {
            Ok(_) => Ok(condition),
            Err(message) => Err(vec![Problem::new(Position { line: 1, column: 1 }, message)]),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it reads a field of this variable.
    pub fn reads(&self, variable: &str) -> bool {
        self.fields.iter().any(|field| field.path.split_once('.').is_some_and(|(first, _)| first == variable))
    }

    /// Whether it reads fields of this variable alone.
    pub fn reads_only(&self, variable: &str) -> bool {
        self.fields.iter().all(|field| field.path.split_once('.').is_some_and(|(first, _)| first == variable))
    }

    /// Whether it is met. A comparison with a field that is not known of this shipment is not met.
    ///
    /// # Errors
    /// When it cannot be run on these values: it divides by 0, for one.
    pub fn is_met(&self, moment: &Moment<'_>) -> Result<bool, String> {
        let absent = std::cell::Cell::new(false);
        let read = |field: &Field| {
            let value = (field.read)(moment);
            absent.set(absent.get() || value == Value::Absent);
            value
        };
        let context = self.context(&read);
        match self.resolve(&context) {
            Err(_) if absent.get() => Ok(false),
            // a fraction divided by 0 is infinite in CEL, and more than anything
            Ok(_) if self.divides && !absent.get() && divides_by_zero(&self.expression, &context) => {
                Err("it divides by 0".into())
            }
            result => result,
        }
    }

    fn run(&self, read: &dyn Fn(&Field) -> Value) -> Result<bool, String> {
        self.resolve(&self.context(read))
    }

    fn context(&self, read: &dyn Fn(&Field) -> Value) -> Context<'static, 'static> {
        let mut variables: HashMap<&str, HashMap<String, cel::Value>> = HashMap::new();
        for field in &self.fields {
            let Some((variable, name)) = field.path.split_once('.') else { continue };
            variables.entry(variable).or_default().insert(name.to_owned(), native(read(field)));
        }
        let mut context = Context::default();
        for (variable, fields) in variables {
            context.add_variable_from_value(variable, fields);
        }
        context
    }

    fn resolve(&self, context: &Context<'_, '_>) -> Result<bool, String> {
        match context.resolve(&self.expression) {
            Ok(cel::Value::Bool(met)) => Ok(met),
            Ok(_) => Err("the condition gives a value instead of true or false: compare it with something".into()),
            Err(error) => Err(explain(&error)),
        }
    }
}

/// Whether what is worked out of an expression divides a number by 0. What `&&` and `||` leave aside is not worked out.
fn divides_by_zero(expression: &IdedExpr, context: &Context<'_, '_>) -> bool {
    let by_zero = |one: &IdedExpr| divides_by_zero(one, context);
    let is = |one: &IdedExpr, wanted: bool| matches!(context.resolve(one), Ok(cel::Value::Bool(is)) if is == wanted);
    match &expression.expr {
        Expr::Call(call) => match (call.func_name.as_str(), &call.args[..]) {
            (LOGICAL_AND, [first, second]) => by_zero(first) || (!is(first, false) && by_zero(second)),
            (LOGICAL_OR, [first, second]) => by_zero(first) || (!is(first, true) && by_zero(second)),
            (DIVIDE | MODULO, [_, divisor]) if matches!(context.resolve(divisor), Ok(cel::Value::Float(0.0))) => true,
            (_, args) => args.iter().any(by_zero) || call.target.as_deref().is_some_and(by_zero),
        },
        Expr::List(list) => list.elements.iter().any(by_zero),
        _ => false,
    }
}

fn native(value: Value) -> cel::Value {
    match value {
        Value::Absent => cel::Value::Null,
        Value::Text(text) => text.into(),
        Value::Number(number) => cel::Value::Float(number),
        Value::Flag(flag) => cel::Value::Bool(flag),
        Value::Texts(texts) => texts.into(),
    }
}

fn example(field: &Field) -> Value {
    match field.kind {
        Kind::Text => Value::Text("x".into()),
        Kind::Number => Value::Number(1.5),
        Kind::Flag => Value::Flag(true),
        Kind::Choice(codes) => Value::Text(codes().first().map_or("x", |(code, _)| code).to_owned()),
        Kind::Codes(_) | Kind::Texts => Value::Texts(vec!["x".into()]),
    }
}

/// What went wrong, without the values of the shipment.
fn explain(error: &cel::ExecutionError) -> String {
    use cel::ExecutionError::{
        DivisionByZero, IndexOutOfBounds, NoSuchOverload, Overflow, RemainderByZero, UnsupportedBinaryOperator,
        ValuesNotComparable,
    };
    match error {
        NoSuchOverload(_) | ValuesNotComparable(..) => {
            "two values of different kinds are compared: texts and codes stand in quotes, numbers do not".into()
        }
        UnsupportedBinaryOperator(..) => {
            "a calculation has values of different kinds: write numbers with a decimal point, 24.0".into()
        }
        DivisionByZero(_) | RemainderByZero(_) => "it divides by 0".into(),
        Overflow(..) => "a number becomes too large".into(),
        IndexOutOfBounds(_) => "a list has fewer entries than the condition asks for".into(),
        _ => "it cannot be worked out".into(),
    }
}

fn parse_problems(text: &str, errors: &cel::ParseErrors) -> Vec<Problem> {
    let problem = |error: &cel::ParseError| {
        let (line, column) = error.pos;
        let line = usize::try_from(line).unwrap_or(1).max(1);
        // the parser counts bytes
        let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let at = position(text, start + usize::try_from(column - 1).unwrap_or(0));
        Problem::new(at, parse_message(&error.msg))
    };
    match errors.errors.iter().map(problem).collect::<Vec<_>>() {
        none if none.is_empty() => vec![Problem::new(position(text, 0), "it cannot be read")],
        problems => problems,
    }
}

fn parse_message(said: &str) -> String {
    if said.contains("'<EOF>' expecting") {
        return "the condition ends too early: something is missing here".into();
    }
    match said.split_once("mismatched input ").and_then(|(_, rest)| rest.split_once(" expecting")) {
        Some((found, _)) => format!("{found} does not fit here: join conditions with && or ||"),
        None => "this does not fit here".into(),
    }
}

/// The field of a path; a method that is asked of it is left out.
fn read_field(token: &Token) -> Option<&'static Field> {
    let Token::Path(path) = token else { return None };
    schema::field(path).or_else(|| {
        let (of, method) = path.rsplit_once('.')?;
        METHODS.contains(&method).then(|| schema::field(of)).flatten()
    })
}

/// What is wrong with a word.
fn check(tokens: &[Placed], n: usize) -> Option<Problem> {
    let Placed { token, at, .. } = &tokens[n];
    match token {
        Token::Path(path) => unknown(path, tokens.get(n + 1)).map(|(message, instead)| Problem {
            at: *at,
            message,
            instead: instead.map(|instead| (path.clone(), instead)),
        }),
        Token::Text(said) => {
            let field = compared(tokens, n)?;
            let codes = field.kind.codes();
            if codes.is_empty() || codes.iter().any(|(code, _)| code == said) {
                return None;
            }
            let (meant, of) = (nearest(said, codes.iter().map(|(code, _)| *code)), field.label.to_lowercase());
            let hint = meant.map(|meant| format!(". Did you mean \"{meant}\"?")).unwrap_or_default();
            let message = format!("\"{said}\" is no value of {} ({of}){hint}", field.path);
            let instead = meant.map(|meant| (format!("\"{said}\""), format!("\"{meant}\"")));
            Some(Problem { at: *at, message, instead })
        }
        Token::Number(_) | Token::Sign(_) => None,
    }
}

/// Why a path is none that may be read, and what is nearest.
fn unknown(path: &str, next: Option<&Placed>) -> Option<(String, Option<String>)> {
    let called = next.is_some_and(|next| next.token == Token::Sign("("));
    if called {
        let method = path.rsplit_once('.').map_or(path, |(_, method)| method);
        let of = path.rsplit_once('.').map(|(of, _)| of);
        // in for lists is written before a bracket in two ways: x in (list) and x in [list]
        if path == "in" || (METHODS.contains(&method) && of.is_none_or(|of| schema::field(of).is_some())) {
            return None;
        }
        if METHODS.contains(&method) {
            return of.and_then(|of| unknown(of, None));
        }
        return Some((format!("unknown function {method}: there are {}", METHODS.join(", ")), None));
    }
    if KEYWORDS.contains(&path) || schema::field(path).is_some() {
        return None;
    }
    if VARIABLES.contains(&path) {
        let example = FIELDS.iter().find(|field| field.path.starts_with(path)).map_or(path, |field| field.path);
        return Some((format!("{path} alone is no value: name a field of it, such as {example}"), None));
    }
    let meant = nearest(path, FIELDS.iter().map(|field| field.path));
    let hint = match meant {
        Some(meant) => format!(". Did you mean {meant}?"),
        None => format!(": fields are those of {}", VARIABLES.join(", ")),
    };
    Some((format!("unknown field {path}{hint}"), meant.map(str::to_owned)))
}

/// The field that a text is compared with: `field == "x"`, `"x" == field`, `"x" in field`, `field in ["x", "y"]`.
fn compared(tokens: &[Placed], n: usize) -> Option<&'static Field> {
    let token = |n: usize| tokens.get(n).map(|placed| &placed.token);
    let equals = |token: Option<&Token>| matches!(token, Some(Token::Sign("==" | "!=")));
    let is_in = |token: Option<&Token>| matches!(token, Some(Token::Path(word)) if word == "in");
    let field = |token: Option<&Token>| match token {
        Some(Token::Path(path)) => schema::field(path),
        _ => None,
    };
    if n >= 2 && equals(token(n - 1)) {
        return field(token(n - 2));
    }
    if equals(token(n + 1)) || is_in(token(n + 1)) {
        return field(token(n + 2));
    }
    let begins = (0..n).rev().take_while(|&m| !matches!(token(m), Some(Token::Sign("(" | ")" | "&&" | "||" | "]"))));
    let bracket = begins.into_iter().find(|&m| token(m) == Some(&Token::Sign("[")))?;
    (bracket >= 2 && is_in(token(bracket - 1))).then(|| field(token(bracket - 2))).flatten()
}

/// The word that is nearest, if any is near.
fn nearest<'a>(word: &str, of: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let asked = word.to_lowercase();
    let near = of.map(|one| (distance(&asked, &one.to_lowercase()), one));
    let (distance, found) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= SUGGESTED_WITHIN.min(word.len() / 2)).then_some(found)
}

/// Letters to be changed, added or left out (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        Condition::new(text).map_or_else(|all| all.iter().map(ToString::to_string).collect(), |_| Vec::new())
    }

    #[test]
    fn a_problem_says_where_it_is_and_what_to_do() {
        let text = "shipment.status in [\"IN_TRANSIT\", \"OUT_FOR_DELIVERY\"]\n&& shipment.hours_without_update > lane.usual_gap_hours\n&& !(\"RETURNED\" in shipment.milestones)\n&& order.delivry == \"WH\"";
        assert_eq!(problems(text), ["line 4, column 4: unknown field order.delivry. Did you mean order.delivery?"]);
        for (text, said) in [
            (
                "shipment.status == \"IN_TRANSTI\"",
                "line 1, column 20: \"IN_TRANSTI\" is no value of shipment.status (status). Did you mean \"IN_TRANSIT\"?",
            ),
            (
                "shipment.status in [\"IN_TRANSIT\", \"LOST\"]",
                "line 1, column 35: \"LOST\" is no value of shipment.status (status)",
            ),
            (
                "\"LOSST\" in shipment.milestones",
                "line 1, column 1: \"LOSST\" is no value of shipment.milestones (events so far). Did you mean \"LOST\"?",
            ),
            ("order.name = \"é\"", "line 1, column 12: a comparison is written with two signs: =="),
            (
                "order.name == \"é\" order.name",
                "line 1, column 19: 'order' does not fit here: join conditions with && or ||",
            ),
            ("shipment", "line 1, column 1: shipment alone is no value: name a field of it, such as shipment.status"),
            ("", "line 1, column 1: the condition ends too early: something is missing here"),
            ("shipment.attempts >", "line 1, column 20: the condition ends too early: something is missing here"),
            (
                "shipment.attempts > \"3\"",
                "line 1, column 1: two values of different kinds are compared: texts and codes stand in quotes, numbers do not",
            ),
            (
                "shipment.attempts",
                "line 1, column 1: the condition gives a value instead of true or false: compare it with something",
            ),
            (
                "order.name.matches(\"x\")",
                "line 1, column 1: unknown function matches: there are contains, startsWith, endsWith, size",
            ),
            (
                "shipment.exceptions.exists(x, x == \"LOST\")",
                "line 1, column 1: unknown function exists: there are contains, startsWith, endsWith, size",
            ),
            ("order.name == \"x", "line 1, column 15: a text begins here and does not end: close it with \""),
            ("true ? true : false", "line 1, column 6: only comparisons, &&, || and ! are understood here"),
        ] {
            assert_eq!(problems(text).first().map(String::as_str), Some(said), "{text}");
        }
    }

    #[test]
    fn what_is_right_is_taken() {
        for text in [
            "true",
            "shipment.status == 'DELIVERED' || shipment.attempts >= 3",
            "!(\"RETURNED\" in shipment.milestones) && shipment.hours_without_update > 24",
            "order.name.startsWith(\"S\") && size(shipment.exceptions) > 1",
            "shipment.hours_late - 24.0 > 0.0 // a day",
            "exception.severity in [\"MAJOR\", \"CRITICAL\"]",
            "customer.country != \"DE\"",
        ] {
            assert_eq!(problems(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_nests_deeply_is_refused_before_it_is_parsed() {
        for text in [
            "(".repeat(900) + "true",
            "!".repeat(1000) + "true",
            vec!["1"; 900].join("+"),
            vec!["true"; 390].join("=="),
            "-".repeat(1500) + "1",
            "[".repeat(1900),
            format!("a{}", ".b".repeat(900)),
            "x".repeat(5000),
            "true ? ".repeat(200),
        ] {
            assert!(!problems(&text).is_empty(), "{}", &text[..40]);
        }
        let terms = vec!["(shipment.attempts > 2 || !(\"LOST\" in shipment.milestones))"; 24].join(" && ");
        assert_eq!(problems(&terms), Vec::<String>::new(), "a long one");
    }

    #[test]
    fn any_text_is_read_or_refused() {
        use proptest::prelude::*;
        let word = prop::sample::select(vec![
            "shipment.status",
            "&&",
            "||",
            "!",
            "(",
            ")",
            "[",
            "]",
            ",",
            "\"IN_TRANSIT\"",
            "'x",
            "in",
            "==",
            "=",
            ">",
            "1",
            "2.5",
            ".",
            "shipment",
            "order.valeu",
            "size",
            "+",
            "-",
            "/",
            "\n",
            "é",
            "{",
            "?",
            "null",
            "true",
            "contains",
        ]);
        proptest!(ProptestConfig::with_cases(2000), |(words in prop::collection::vec(word, 0..40))| {
            let text = words.join(" ");
            if let Err(problems) = Condition::new(&text) {
                prop_assert!(!problems.is_empty());
                let lines = text.split('\n').count();
                prop_assert!(problems.iter().all(|one| (1..=lines).contains(&one.at.line) && one.at.column >= 1));
            }
        });
    }
}

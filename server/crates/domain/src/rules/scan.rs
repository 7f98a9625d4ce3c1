//! Reads the text of a condition word by word, with places: what the form is made from, and what is checked before the text is parsed.
//! The parser calls itself for what is nested, so what could nest deeply is refused here.

/// Characters of a condition.
pub const CHARS_MAX: usize = 2000;
/// Words and signs of a condition.
const TOKENS_MAX: usize = 400;
/// Brackets within brackets.
const DEPTH_MAX: usize = 8;
/// Calculations in one condition.
const ARITHMETIC_MAX: usize = 20;

/// A place in a text, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

/// What is wrong with a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Position,
    /// What, and what to do.
    pub message: String,
    /// The text that should stand there instead of this one, where that is known.
    pub instead: Option<(String, String)>,
}

impl Problem {
    pub(super) fn new(at: Position, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), instead: None }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}: {}", self.at.line, self.at.column, self.message)
    }
}

/// A word or sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name with its fields: `shipment.status`, `size`, `true`.
    Path(String),
    /// A text in quotes.
    Text(String),
    /// A number.
    Number(String),
    /// A sign: `&&`, `(`, `>=`.
    Sign(&'static str),
}

/// A word or sign with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) at: Position,
    /// Byte offsets in the text.
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Signs, the longer ones first.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", ">=", "<=", "(", ")", "[", "]", ",", "!", ">", "<", "+", "-", "*", "/", "%", ".", "?", ":",
    "{", "}",
];

/// The place of a byte in a text.
pub(super) fn position(text: &str, byte: usize) -> Position {
    let before = &text[..text.floor_char_boundary(byte.min(text.len()))];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    Position { line, column: before[start..].chars().count() + 1 }
}

/// The words and signs of a condition, within the limits.
pub(super) fn scan(text: &str) -> Result<Vec<Placed>, Problem> {
    if text.chars().count() > CHARS_MAX {
        return Err(Problem::new(
            Position { line: 1, column: 1 },
            format!("a condition has at most {CHARS_MAX} characters"),
        ));
    }
    let mut tokens = Vec::new();
    let mut from = 0;
    while from < text.len() {
        let rest = &text[from..];
        let Some(first) = rest.chars().next() else { break };
        if first.is_whitespace() {
            from += first.len_utf8();
            continue;
        }
        let at = position(text, from);
        if rest.starts_with("//") {
            from += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (token, length) = token(rest, first).map_err(|message| Problem::new(at, message))?;
        tokens.push(Placed { token, at, from, to: from + length });
        from += length;
    }
    within_limits(&tokens)?;
    Ok(tokens)
}

fn token(rest: &str, first: char) -> Result<(Token, usize), String> {
    if first == '"' || first == '\'' {
        let mut escaped = false;
        let mut said = String::new();
        for (n, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => {
                    said.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '\n' => break,
                _ if c == first => return Ok((Token::Text(said), n + 1)),
                _ => said.push(c),
            }
        }
        return Err(format!("a text begins here and does not end: close it with {first}"));
    }
    let length = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
    if first.is_ascii_digit() {
        let length = length(|c| c.is_ascii_digit() || c == '.');
        return Ok((Token::Number(rest[..length].to_owned()), length));
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let length = length(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        return Ok((Token::Path(rest[..length].to_owned()), length));
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => Ok((Token::Sign(sign), sign.len())),
        None if first == '=' => Err("a comparison is written with two signs: ==".into()),
        None if first == '&' || first == '|' => Err(format!("write {first}{first}")),
        None => Err(format!("{first} has no meaning here: texts stand in quotes")),
    }
}

fn within_limits(tokens: &[Placed]) -> Result<(), Problem> {
    let (mut depth, mut arithmetic, mut comparisons) = (0_usize, 0_usize, 0_usize);
    for (n, placed) in tokens.iter().enumerate() {
        let refuse = |message: String| Err(Problem::new(placed.at, message));
        if n >= TOKENS_MAX {
            return refuse(format!("a condition has at most {TOKENS_MAX} words and signs: make two rules of it"));
        }
        match &placed.token {
            Token::Sign("(" | "[") => {
                (depth, comparisons) = (depth + 1, 0);
                if depth > DEPTH_MAX {
                    return refuse(format!("brackets nest at most {DEPTH_MAX} deep"));
                }
            }
            Token::Sign(")" | "]") => (depth, comparisons) = (depth.saturating_sub(1), 0),
            Token::Sign("&&" | "||" | ",") => comparisons = 0,
            Token::Sign("?" | ":" | "{" | "}") => {
                return refuse("only comparisons, &&, || and ! are understood here".into());
            }
            Token::Sign("+" | "-" | "*" | "/" | "%") => {
                arithmetic += 1;
                if arithmetic > ARITHMETIC_MAX {
                    return refuse(format!("a condition calculates at most {ARITHMETIC_MAX} times"));
                }
            }
            Token::Sign("==" | "!=" | ">=" | "<=" | ">" | "<") => {
                comparisons += 1;
                if comparisons > 1 {
                    return refuse("two comparisons are joined by && or ||".into());
                }
            }
            Token::Sign("!") => match tokens.get(n + 1).map(|next| &next.token) {
                Some(Token::Sign("!")) => return refuse("one ! is enough".into()),
                Some(_) => {}
                None => return refuse("something has to stand behind !".into()),
            },
            Token::Path(path) if path.split('.').any(str::is_empty) => {
                return refuse(format!("{path} has a dot too many"));
            }
            Token::Path(_) | Token::Text(_) | Token::Number(_) | Token::Sign(_) => {}
        }
    }
    Ok(())
}

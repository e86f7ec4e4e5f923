//! The syntax tree: shapes and places, no meaning.

use crate::source::Span;

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// Items in the order written.
    pub items: Vec<Item>,
    /// Names of items that could not be read: they are meant to exist, so that a use of one is no
    /// further mistake.
    pub lost: Vec<Name>,
}

/// A declaration in column 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `use std.scales`, `use "file.vp" as data`.
    Use(Use),
    /// `let x = expr`.
    Let(Let),
    /// `kind name { … }`.
    Block(Block),
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// `use` of another module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What is used.
    pub module: ModulePath,
    /// `as name`.
    pub alias: Option<Name>,
    /// The whole item.
    pub span: Span,
}

/// What a `use` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModulePath {
    /// A file, relative to the one that uses it.
    File(Text),
    /// A dotted path such as `std.scales`.
    Dotted(Vec<Name>),
}

/// A string and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text, escapes resolved.
    pub value: String,
    /// Where, quotes included.
    pub span: Span,
}

/// `let name = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Let {
    /// The new name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// The whole item.
    pub span: Span,
}

/// `kind name "doc" (params) { entries }` or `kind name = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The kind word.
    pub kind: Name,
    /// The name.
    pub name: Name,
    /// The documentation string.
    pub doc: Option<Text>,
    /// The parameters.
    pub params: Vec<Param>,
    /// `= value`.
    pub value: Option<Expr>,
    /// `{ entries }`.
    pub body: Option<Body>,
    /// The whole block.
    pub span: Span,
}

/// `name: type = default`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// The name.
    pub name: Name,
    /// The type's name.
    pub kind: Name,
    /// The default.
    pub default: Option<Expr>,
}

/// `{ entries }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Entries in the order written.
    pub entries: Vec<Entry>,
    /// Whether every entry could be read; where not, nothing is to be missed in it.
    pub whole: bool,
    /// From brace to brace.
    pub span: Span,
}

/// One line of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// `path: value`.
    Field(Field),
    /// A nested block.
    Block(Block),
    /// `vary axis: values`.
    Vary(Vary),
    /// `where condition`.
    Where(Expr),
    /// `check condition`.
    Check(Expr),
    /// `let name = value`.
    Let(Let),
}

/// `path: value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The dotted path; most often one name.
    pub path: Vec<Name>,
    /// The value.
    pub value: Expr,
    /// The whole entry.
    pub span: Span,
}

/// `vary a: [..]` or `vary (a, b): [(..), ..]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vary {
    /// The axes; several vary together.
    pub names: Vec<Name>,
    /// The list of values.
    pub values: Expr,
    /// The whole entry.
    pub span: Span,
}

/// An expression and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    /// Which one.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// The shapes of expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprKind {
    /// `30B tokens`, `40%`, `0.3`.
    Quantity(Quantity),
    /// `"text"`.
    Text(String),
    /// A name.
    Name(String),
    /// `rest`, `none`, `true`, `false`.
    Literal(Literal),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `(a, b)`.
    Tuple(Vec<Expr>),
    /// `[value for name in list if condition]`.
    Each(Box<Each>),
    /// `f(a, name: b)`.
    Call(Box<Expr>, Vec<Arg>),
    /// `a.b`.
    Member(Box<Expr>, Name),
    /// `a with { … }`.
    With(Box<Expr>, Body),
    /// `every a`.
    Every(Box<Expr>),
    /// `-a`, `not a`.
    Unary(Unary, Box<Expr>),
    /// `a + b` and the like.
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `a..b by s`.
    Range(Box<Range>),
    /// `if c then a else b`.
    Choose(Box<Choose>),
}

/// The parts of a comprehension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Each {
    /// The value made for each element.
    pub value: Expr,
    /// The element's name.
    pub name: Name,
    /// The list gone through.
    pub list: Expr,
    /// Which elements count.
    pub condition: Option<Expr>,
}

/// The parts of `a..b by s`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// First value.
    pub from: Expr,
    /// Last value, included.
    pub to: Expr,
    /// Step.
    pub by: Option<Expr>,
}

/// The parts of `if c then a else b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choose {
    /// The condition.
    pub condition: Expr,
    /// Its value when true.
    pub yes: Expr,
    /// Its value when false.
    pub no: Expr,
}

/// A number as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// The digits, underscores removed.
    pub digits: String,
    /// `%` or letters directly after the digits.
    pub suffix: Option<String>,
    /// A word after a space.
    pub unit: Option<Name>,
}

/// One argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// The argument's name, when given by name.
    pub name: Option<Name>,
    /// Its value.
    pub value: Expr,
}

/// Words that are values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal {
    /// `rest`.
    Rest,
    /// `none`.
    None,
    /// `true`.
    True,
    /// `false`.
    False,
}

/// Operators before a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `-`.
    Neg,
    /// `not`.
    Not,
}

/// Operators between values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `==`.
    Eq,
    /// `!=`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
    /// `and`.
    And,
    /// `or`.
    Or,
}

impl Body {
    /// Returns the fields with a one-name path.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Field(field) => Some(field),
            Entry::Block(_)
            | Entry::Vary(_)
            | Entry::Where(_)
            | Entry::Check(_)
            | Entry::Let(_) => None,
        })
    }
}

//! Texts and places in them.

/// Number of a text within [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A stretch of bytes in one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

/// Line and column as people count them, from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One text and the path it is shown under.
#[derive(Debug, Clone)]
pub struct Source {
    /// Number within its [`Sources`].
    pub id: SourceId,
    /// Path for people.
    pub path: String,
    /// The text.
    pub text: String,
}

/// All texts of one study.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

impl Span {
    /// Makes a span of byte offsets.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            source,
            start: clamp(start),
            end: clamp(end),
        }
    }

    /// Returns the smallest span holding both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            end: self.end.max(other.end),
            start: self.start.min(other.start),
            ..self
        }
    }

    /// Returns the byte range.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Source {
    /// Returns the text a span covers, or nothing when it is out of range.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Returns line and column of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        let before = self.text.get(..offset as usize).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before
            .get(line_start..)
            .map_or(0, |line| line.chars().count())
            + 1;
        Position {
            line: before.matches('\n').count() + 1,
            column,
        }
    }
}

impl Sources {
    /// Adds a text and returns its number.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = SourceId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Source {
            id,
            path: path.into(),
            text: text.into(),
        });
        id
    }

    /// Returns a text by number.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(id.0 as usize)
    }

    /// Returns the text a span covers.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.source)
            .map(|source| source.slice(span))
            .unwrap_or_default()
    }

    /// Returns `path:line:column` of the start of a span.
    pub fn place(&self, span: Span) -> String {
        self.get(span.source).map_or_else(String::new, |source| {
            let Position { line, column } = source.position(span.start);
            format!("{}:{line}:{column}", source.path)
        })
    }

    /// Returns all texts in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }
}

//! Tokens to brackets and what stands between their commas and line ends.

use super::tokens::{Comment, Kind, Token};

/// Something in brackets; the whole file is one without.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) open: &'a str,
    pub(super) close: &'a str,
    /// Whether it was written without a line end.
    pub(super) one_line: bool,
    /// Comments before the opener.
    pub(super) before: Vec<Comment<'a>>,
    /// A comment on the line of the opener.
    pub(super) opened: Option<Comment<'a>>,
    pub(super) items: Vec<Item<'a>>,
    /// Comments after the last item.
    pub(super) last: Vec<Comment<'a>>,
}

/// An entry, an element, an argument.
#[derive(Debug)]
pub(super) struct Item<'a> {
    /// Comments on lines of their own before it.
    pub(super) leading: Vec<Comment<'a>>,
    /// Whether a blank line stands directly before it.
    pub(super) blank: bool,
    pub(super) nodes: Vec<Node<'a>>,
    /// A comment on its last line.
    pub(super) trailing: Option<Comment<'a>>,
}

#[derive(Debug)]
pub(super) enum Node<'a> {
    Leaf(Leaf<'a>),
    Group(Group<'a>),
}

/// A token without brackets.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    pub(super) token: Token<'a>,
    /// No space before it.
    pub(super) tight_before: bool,
    /// No space after it.
    pub(super) tight_after: bool,
}

/// Returns the file as one group.
pub(super) fn file(tokens: Vec<Token<'_>>) -> Group<'_> {
    let mut shaper = Shaper {
        tokens: tokens.into_iter().peekable(),
    };
    shaper.group("", Vec::new())
}

struct Shaper<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
}

impl<'a> Shaper<'a> {
    /// Reads up to the closer and takes it.
    fn group(&mut self, open: &'a str, before: Vec<Comment<'a>>) -> Group<'a> {
        let close = match open {
            "{" => "}",
            "(" => ")",
            "[" => "]",
            _ => "",
        };
        let mut group = Group {
            open,
            close,
            one_line: true,
            before,
            opened: None,
            items: Vec::new(),
            last: Vec::new(),
        };
        // Whether the last item may go on.
        let mut going = false;
        while let Some(mut token) = self.tokens.next() {
            group.one_line &= !token.on_new_line();
            let ends = matches!(token.text, "," | "}" | ")" | "]" | "");
            let joined = open == "(" || open == "[" || group.waits() || !token.on_new_line();
            if ends || !going || !joined {
                group.settle(std::mem::take(&mut token.before));
                going = !ends;
                match token.text {
                    "," => continue,
                    _ if ends => break,
                    _ => group.begin(token.newlines > 1),
                }
            }
            if let Some(item) = group.items.last_mut() {
                let node = self.node(token, item.nodes.last());
                if let Node::Group(inner) = &node {
                    group.one_line &= inner.one_line;
                }
                item.nodes.push(node);
            }
        }
        for item in &mut group.items {
            fractions(&mut item.nodes);
        }
        group
    }

    fn node(&mut self, token: Token<'a>, previous: Option<&Node<'a>>) -> Node<'a> {
        match token.text {
            "{" | "(" | "[" => Node::Group(self.group(token.text, token.before)),
            text => Node::Leaf(Leaf {
                tight_before: matches!(text, "." | ".." | ":"),
                tight_after: matches!(text, "." | "..")
                    || text == "-" && !previous.is_some_and(Node::ends_value),
                token,
            }),
        }
    }
}

impl<'a> Group<'a> {
    /// Whether the last item cannot end yet: it stops at an operator.
    fn waits(&self) -> bool {
        let last = self.items.last().and_then(|item| item.nodes.last());
        last.and_then(Node::leaf).is_some_and(Leaf::is_infix)
    }

    /// Finds the places of comments that stand between items.
    fn settle(&mut self, comments: Vec<Comment<'a>>) {
        for comment in comments {
            let same_line = comment.newlines == 0 && self.last.is_empty();
            match self.items.last_mut() {
                Some(item) if same_line && item.trailing.is_none() => item.trailing = Some(comment),
                None if same_line && !self.open.is_empty() => self.opened = Some(comment),
                _ => self.last.push(comment),
            }
        }
    }

    fn begin(&mut self, blank: bool) {
        self.items.push(Item {
            leading: std::mem::take(&mut self.last),
            blank,
            nodes: Vec::new(),
            trailing: None,
        });
    }
}

impl<'a> Node<'a> {
    pub(super) fn leaf(&self) -> Option<&Leaf<'a>> {
        match self {
            Self::Leaf(leaf) => Some(leaf),
            Self::Group(_) => None,
        }
    }

    /// Comments between this and the node before.
    pub(super) fn before(&self) -> &[Comment<'a>] {
        match self {
            Self::Leaf(leaf) => &leaf.token.before,
            Self::Group(group) => &group.before,
        }
    }

    /// Whether a value may end here, so that `-` after it is a difference.
    pub(super) fn ends_value(&self) -> bool {
        self.leaf().is_none_or(|leaf| match leaf.token.kind {
            Kind::Word | Kind::Number | Kind::Text => true,
            Kind::Keyword => matches!(leaf.token.text, "rest" | "none" | "true" | "false"),
            Kind::Symbol => false,
        })
    }
}

impl Leaf<'_> {
    /// Whether it stands between two values.
    pub(super) fn is_infix(&self) -> bool {
        let text = self.token.text;
        let symbol = self.token.kind == Kind::Symbol;
        symbol && !matches!(text, "" | ":" | "=" | ".") || matches!(text, "by" | "and" | "or")
    }
}

/// Brings the parts of plain fractions such as `1/3` together.
fn fractions(nodes: &mut [Node<'_>]) {
    let is = |node: Option<&Node<'_>>, texts: &[&str]| {
        node.and_then(Node::leaf)
            .is_some_and(|leaf| texts.contains(&leaf.token.text))
    };
    let digits = |node: Option<&Node<'_>>| {
        node.and_then(Node::leaf).is_some_and(|leaf| {
            let last = leaf.token.text.bytes().last();
            leaf.token.kind == Kind::Number && last.is_some_and(|byte| byte.is_ascii_digit())
        })
    };
    let unit = |node: Option<&Node<'_>>| {
        node.and_then(Node::leaf)
            .is_some_and(|leaf| leaf.token.kind == Kind::Word)
    };
    for at in 1..nodes.len() {
        let fraction = is(nodes.get(at), &["/"])
            && digits(nodes.get(at - 1))
            && digits(nodes.get(at + 1))
            && nodes
                .get(at + 1)
                .is_some_and(|node| node.before().is_empty())
            && !unit(nodes.get(at + 2))
            && !(at > 1 && is(nodes.get(at - 2), &["*", "/", "."]));
        if let Some(Node::Leaf(leaf)) = nodes.get_mut(at).filter(|_| fraction) {
            leaf.tight_before = true;
            leaf.tight_after = true;
        }
    }
}

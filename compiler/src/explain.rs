//! A page about each problem code.

/// What a code means, in Markdown: a title, prose, and two blocks of `.vp`, the mistake and its
/// correction.
#[derive(Debug)]
pub struct Page {
    /// The code.
    pub code: &'static str,
    /// The whole page.
    pub text: &'static str,
}

macro_rules! pages {
    ($($code:literal)*) => {
        &[$(Page {
            code: $code,
            text: include_str!(concat!("../../docs/problems/", $code, ".md")),
        }),*]
    };
}

/// All pages, by code.
pub const PAGES: &[Page] = pages! {
    "V0101" "V0102" "V0103" "V0104" "V0105" "V0106" "V0108" "V0109"
    "V0201" "V0202" "V0203" "V0204" "V0205" "V0206" "V0207" "V0208"
    "V0210" "V0211" "V0212" "V0213" "V0214" "V0215" "V0216"
    "V0301" "V0302" "V0303" "V0304" "V0305" "V0306" "V0307" "V0308" "V0310" "V0311"
    "V0312" "V0313" "V0314" "V0315"
    "V0401" "V0402" "V0403" "V0404" "V0405" "V0406" "V0407"
    "V0501" "V0502" "V0503" "V0504" "V0505" "V0506" "V0507"
    "V0601" "V0602"
    "V0701"
};

impl Page {
    /// Returns the words after the code in the first line.
    pub fn title(&self) -> &'static str {
        let line = self.text.lines().next().unwrap_or_default();
        line.split_once(": ").map_or(line, |parts| parts.1)
    }
}

/// Returns the page of a code, however its letter is written.
pub fn page(code: &str) -> Option<&'static Page> {
    PAGES
        .iter()
        .find(|page| page.code.eq_ignore_ascii_case(code))
}

/// Returns the code that may have been meant.
pub fn nearest(code: &str) -> Option<&'static str> {
    let code = code.to_ascii_uppercase();
    crate::nearest::nearest(&code, PAGES.iter().map(|page| page.code))
}

//! Two hundred texts that some program would obey.

use std::collections::BTreeSet;

/// What terminals, shells, spreadsheets, browsers, Graphviz, Mermaid, formats and logs obey.
const OBEYED: [&str; 50] = [
    "\u{1b}]0;PWNED\u{7}",
    "\u{1b}[31mPWNED",
    "\u{1b}[2J\u{1b}[HPWNED",
    "\u{1b}]8;;http://x\u{1b}\\PWNED",
    "\u{1b}P+q\u{1b}\\",
    "\u{1b}]52;c;cm0gLXJm\u{7}",
    "\u{9b}31mPWNED",
    "\u{9d}0;PWNED\u{9c}",
    "\u{8}\u{8}\u{8}PWNED",
    "a\u{85}PWNED",
    "bell\u{7}",
    "null\u{0}",
    "\u{7f}delete",
    "\u{c}form",
    "\u{b}tab",
    "\u{202e}DENWP",
    "\u{2066}PWNED\u{2069}",
    "\u{feff}mark",
    "\u{200b}zero",
    "\u{fffd}\u{fffe}",
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "=HYPERLINK(\"http://x\")",
    "';DROP TABLE x;--",
    "\",\"a\",\"",
    "a,b;c",
    "$(id)",
    "`id`",
    "${IFS}",
    "| rm -rf /",
    "; reboot",
    "<script>alert(1)</script>",
    "\" onload=\"x",
    "<img src=x onerror=y>",
    "&lt;&#60;&amp;",
    "</text></svg>",
    "\"]; n0 -> n1; x [label=\"",
    "\\N\\G\\E\\l",
    "end\nsubgraph x",
    "\"] --> B[\"",
    "%%{init: {}}%%",
    "%s%n%x",
    "{{7*7}}",
    "{}",
    "../../etc/passwd",
    "#SBATCH --wrap=id",
];

/// Each in four surroundings.
pub(crate) fn corpus() -> Vec<String> {
    let with = |text: &&str| {
        [
            (*text).to_owned(),
            format!("a{text}"),
            format!("{text}b c"),
            format!("{text}\n{text}\t\\\"'"),
        ]
    };
    let all: Vec<String> = OBEYED.iter().flat_map(with).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 200);
    all
}

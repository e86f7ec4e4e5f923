/**
 * The tree-sitter grammar of `.vp`. It follows `grammar/vp.pest` rule by rule; the reserved words
 * come from there by way of `words.json`. Newlines separate entries, so they are tokens and not
 * extras; `gap` stands wherever the language lets a line be broken.
 */
/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

const { keywords } = require("./words.json");

/** How tightly operators bind, loosest first. `open` is for what reaches as far as it can. */
const BIND = { open: 0, or: 1, and: 2, not: 3, compare: 4, by: 5, range: 6, add: 7, mul: 8, neg: 9, post: 10 };

module.exports = grammar({
  name: "vp",

  extras: ($) => [/[ \t\r]/, $.comment],
  word: ($) => $.identifier,
  reserved: { global: (_) => keywords },

  rules: {
    source_file: ($) =>
      seq(gap($), optional(seq($._item, repeat(seq(repeat1($._newline), $._item)), gap($)))),

    _item: ($) => choice($.use, $.let, $.block),

    use: ($) =>
      seq("use", field("module", choice($.string, $.path)), optional(seq("as", field("alias", $.identifier)))),

    let: ($) => seq("let", field("name", $.identifier), "=", field("value", $._expression)),

    // One shape for every construct:  kind name "doc" (params) = value { entries }
    block: ($) =>
      seq(
        field("kind", alias($.identifier, $.kind)),
        field("name", $.identifier),
        optional(
          choice(
            seq(field("doc", $.string), optional(field("parameters", $.parameters))),
            seq(field("parameters", $.parameters), optional(field("doc", $.string))),
          ),
        ),
        choice(field("body", $.body), seq("=", field("value", $._expression))),
      ),

    parameters: ($) =>
      seq(
        "(",
        gap($),
        optional(
          choice(
            seq($.parameter, repeat(seq(",", gap($), $.parameter)), optional(","), gap($)),
            seq(",", gap($)),
          ),
        ),
        ")",
      ),
    parameter: ($) =>
      seq(
        field("name", $.identifier),
        ":",
        field("type", alias($.identifier, $.type)),
        optional(seq("=", field("default", $._expression))),
      ),

    body: ($) =>
      seq(
        "{",
        gap($),
        optional(seq($._entry, repeat(seq($._separator, $._entry)), optional($._separator))),
        "}",
      ),
    _separator: ($) => choice(seq(",", gap($)), repeat1($._newline)),
    _entry: ($) => choice($.vary, $.where, $.check, $.let, $.field, $.block),

    vary: ($) =>
      seq("vary", choice(field("axis", $.identifier), $.axes), ":", field("values", $._expression)),
    axes: ($) =>
      seq(
        "(",
        gap($),
        field("axis", $.identifier),
        repeat(seq(",", gap($), field("axis", $.identifier))),
        gap($),
        ")",
      ),
    where: ($) => seq("where", $._expression),
    check: ($) => seq("check", $._expression),
    field: ($) => seq(field("name", $.path), ":", field("value", $._expression)),

    _expression: ($) =>
      choice(
        $.unary,
        $.binary,
        $.call,
        $.member,
        $.amend,
        $.choose,
        $.every,
        $.quantity,
        $.string,
        $.list,
        $.group,
        $.boolean,
        $.none,
        $.rest,
        $.identifier,
      ),

    unary: ($) =>
      choice(
        prec(BIND.neg, seq(field("operator", "-"), field("operand", $._expression))),
        prec(BIND.not, seq(field("operator", "not"), field("operand", $._expression))),
      ),

    binary: ($) =>
      choice(
        ...[
          [BIND.or, "or"],
          [BIND.and, "and"],
          [BIND.compare, choice("==", "!=", "<", "<=", ">", ">=")],
          [BIND.by, "by"],
          [BIND.range, ".."],
          [BIND.add, choice("+", "-")],
          [BIND.mul, choice("*", "/")],
        ].map(([bind, operator]) =>
          prec.left(
            bind,
            seq(
              field("left", $._expression),
              field("operator", operator),
              gap($),
              field("right", $._expression),
            ),
          ),
        ),
      ),

    call: ($) => prec(BIND.post, seq(field("function", $._expression), field("arguments", $.arguments))),
    arguments: ($) =>
      seq(
        "(",
        gap($),
        optional(seq($.argument, gap($), repeat(seq(",", gap($), $.argument, gap($))))),
        optional(seq(",", gap($))),
        ")",
      ),
    argument: ($) =>
      seq(optional(seq(field("name", $.identifier), ":")), field("value", $._expression)),
    member: ($) =>
      prec(BIND.post, seq(field("object", $._expression), ".", field("name", $.identifier))),
    amend: ($) => prec(BIND.post, seq(field("object", $._expression), "with", field("body", $.body))),

    choose: ($) =>
      prec(
        BIND.open,
        seq(
          "if",
          field("condition", $._expression),
          "then",
          field("consequence", $._expression),
          "else",
          field("alternative", $._expression),
        ),
      ),
    every: ($) => prec(BIND.open, seq("every", $._expression)),

    list: ($) =>
      seq(
        "[",
        gap($),
        optional(
          seq(
            $._expression,
            gap($),
            choice(
              $.for_clause,
              seq(repeat(seq(",", gap($), $._expression, gap($))), optional(seq(",", gap($)))),
            ),
          ),
        ),
        "]",
      ),
    for_clause: ($) =>
      seq(
        "for",
        field("name", $.identifier),
        "in",
        field("values", $._expression),
        gap($),
        optional(seq("if", field("condition", $._expression), gap($))),
      ),
    group: ($) =>
      seq("(", gap($), $._expression, gap($), repeat(seq(",", gap($), $._expression, gap($))), ")"),

    // A suffix touches the number; a unit stands after it: `30B`, `4 MiB`, `30B tokens`.
    quantity: ($) =>
      seq(
        $.number,
        optional($.suffix),
        optional(field("unit", alias($.identifier, $.unit))),
      ),
    number: (_) => /[0-9][0-9_]*(\.[0-9][0-9_]*)?/,
    // The `%` also keeps tree-sitter from taking this pattern for a keyword of `identifier`, which
    // would let it stand after a space.
    suffix: (_) => token.immediate(prec(1, /%|[A-Za-z_][A-Za-z0-9_]*/)),

    string: ($) =>
      seq('"', repeat(choice(alias($._text, $.text), $.escape)), token.immediate('"')),
    _text: (_) => token.immediate(prec(1, /[^"\\\r\n]+/)),
    escape: (_) => token.immediate(/\\[nt"\\]/),

    boolean: (_) => choice("true", "false"),
    none: (_) => "none",
    rest: (_) => "rest",

    path: ($) => seq($.identifier, repeat(seq(".", $.identifier))),
    identifier: (_) => /[A-Za-z_][A-Za-z0-9_]*/,
    comment: (_) => token(prec(-1, /#[^\r\n]*/)),
    _newline: (_) => /\r?\n/,
  },
});

/** Where the language lets a line be broken. */
function gap($) {
  return repeat($._newline);
}

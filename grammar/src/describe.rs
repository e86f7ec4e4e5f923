//! How the grammar's rules read in a message.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::syntax::Rule;

/// Returns the words for a rule, or nothing where naming it would not help.
pub(crate) fn describe(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::expr
        | Rule::term
        | Rule::quantity
        | Rule::number
        | Rule::string
        | Rule::list
        | Rule::group
        | Rule::literal
        | Rule::var
        | Rule::choose
        | Rule::every
        | Rule::prefix
        | Rule::primary
        | Rule::neg
        | Rule::kw_not => "a value",
        Rule::name | Rule::path | Rule::ident | Rule::vary_names => "a name",
        Rule::kind => "a kind of block",
        Rule::type_name => "a type",
        Rule::params | Rule::param => "parameters in `(…)`",
        Rule::body => "`{`",
        Rule::block | Rule::item | Rule::use_item | Rule::let_item => "a declaration",
        Rule::entry
        | Rule::good_entry
        | Rule::field
        | Rule::vary
        | Rule::check
        | Rule::where_entry
        | Rule::bad_entry => "an entry such as `name: value`",
        Rule::kw_as => "`as`",
        Rule::kw_in => "`in`",
        Rule::kw_then => "`then`",
        Rule::kw_else => "`else`",
        Rule::arg => "an argument",
        Rule::entry_end | Rule::sep | Rule::EOI => "the end of the entry",
        // Operators, postfixes and word internals are always possible; listing them is noise.
        Rule::infix
        | Rule::operator
        | Rule::range
        | Rule::range_by
        | Rule::le
        | Rule::ge
        | Rule::eq
        | Rule::ne
        | Rule::lt
        | Rule::gt
        | Rule::add
        | Rule::sub
        | Rule::mul
        | Rule::div
        | Rule::kw_and
        | Rule::kw_or
        | Rule::postfix
        | Rule::call
        | Rule::member
        | Rule::percent
        | Rule::suffix
        | Rule::unit
        | Rule::text
        | Rule::escape
        | Rule::ident_head
        | Rule::ident_tail
        | Rule::keyword
        | Rule::braced
        | Rule::gap
        | Rule::file
        | Rule::one_item
        | Rule::one_entry
        | Rule::WHITESPACE
        | Rule::kw_use
        | Rule::kw_let
        | Rule::for_clause
        | Rule::kw_for
        | Rule::amend
        | Rule::kw_with
        | Rule::kw_vary
        | Rule::kw_where
        | Rule::kw_check
        | Rule::kw_if
        | Rule::kw_by
        | Rule::kw_every
        | Rule::kw_rest
        | Rule::kw_none
        | Rule::kw_true
        | Rule::kw_false => {
            return None;
        }
    })
}

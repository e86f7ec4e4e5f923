; Written by `just gen` from grammar/editors/templates; edit there.
;
; Colours for `.vp`. Predicates are `#match?` only: one that an editor does not know would cost all
; colours there. What follows overlaps in three places, and either winner looks right.

(comment) @comment

; Heads
((kind) @keyword
  (#match? @keyword "^(category|mixture|tokenizer|scale|experiment|pretrain|eval|report|table)$"))
((kind) @keyword
  (#match? @keyword "^(adapt|adaptation|align_score|benchmark|encoder|hypothesis|plot|suite)$"))
(block name: (identifier) @type)
(let name: (identifier) @constant)
(parameter name: (identifier) @variable.parameter)
((type) @type.builtin
  (#match? @type.builtin "^(share|count|tokens|number|mixture|category|scale|tokenizer|schedule)$"))
(vary axis: (identifier) @constant)
(axes axis: (identifier) @constant)
(use module: (path (identifier) @module))
(use alias: (identifier) @module)
(for_clause name: (identifier) @variable.parameter)

; Fields: names of parts, then the fields of the schema
(field name: (path (identifier) @variable.member))
(field name: (path (identifier) @property .)
  (#match? @property "^(batch|beta1|beta2|cells|clip|columns|context|data|file|from|heads|held_out|hidden|keep|kv_heads|layers|model|rate|rope_base|rows|sample|schedule|seed|source|suite|tied|tokenizer|tokens|vocabulary|weight_decay|width)$"))
(member name: (identifier) @variable.member)

; Functions: mixtures with parameters, then the built-in ones
(call function: (identifier) @function)
(call function: (identifier) @function.builtin
  (#match? @function.builtin "^(text|jsonl|world|constant|cosine|linear|wsd|held_out|count)$"))
(argument name: (identifier) @variable.parameter)

; Values
(number) @number
((suffix) @number
  (#match? @number "^(%|k|M|B|T)$"))
((suffix) @type
  (#match? @type "^(tokens|token|sequences|sequence|steps|step|bytes|byte|KiB|MiB|GiB|TiB)$"))
((unit) @type
  (#match? @type "^(tokens|token|sequences|sequence|steps|step|bytes|byte|KiB|MiB|GiB|TiB)$"))
(string) @string
(escape) @string.escape
(boolean) @boolean
[(none) (rest)] @constant.builtin

; Words
["use" "let" "vary" "where" "check"] @keyword
["as" "with" "for" "in" "if" "then" "else" "every"] @keyword
["not" "and" "or" "by"] @keyword.operator

["=" "==" "!=" "<" "<=" ">" ">=" "+" "-" "*" "/" ".."] @operator
["{" "}" "(" ")" "[" "]"] @punctuation.bracket
["," ":" "."] @punctuation.delimiter

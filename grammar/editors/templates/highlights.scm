; {{notice}}
;
; Colours for `.vp`. Predicates are `#match?` only: one that an editor does not know would cost all
; colours there. What follows overlaps in three places, and either winner looks right.

(comment) @comment

; Heads
((kind) @keyword
  (#match? @keyword "^({{kinds}})$"))
(block name: (identifier) @type)
(let name: (identifier) @constant)
(parameter name: (identifier) @variable.parameter)
((type) @type.builtin
  (#match? @type.builtin "^({{types}})$"))
(vary axis: (identifier) @constant)
(axes axis: (identifier) @constant)
(use module: (path (identifier) @module))
(use alias: (identifier) @module)
(for_clause name: (identifier) @variable.parameter)

; Fields: names of parts, then the fields of the schema
(field name: (path (identifier) @variable.member))
(field name: (path (identifier) @property .)
  (#match? @property "^({{fields}})$"))
(member name: (identifier) @variable.member)

; Functions: mixtures with parameters, then the built-in ones
(call function: (identifier) @function)
(call function: (identifier) @function.builtin
  (#match? @function.builtin "^({{functions}})$"))
(argument name: (identifier) @variable.parameter)

; Values
(number) @number
((suffix) @number
  (#match? @number "^(%|{{magnitudes}})$"))
((suffix) @type
  (#match? @type "^({{units}})$"))
((unit) @type
  (#match? @type "^({{units}})$"))
(string) @string
(escape) @string.escape
(boolean) @boolean
[(none) (rest)] @constant.builtin

; Words
[{{declarations}}] @keyword
[{{controls}}] @keyword
[{{operators}}] @keyword.operator

["=" "==" "!=" "<" "<=" ">" ">=" "+" "-" "*" "/" ".."] @operator
["{" "}" "(" ")" "[" "]"] @punctuation.bracket
["," ":" "."] @punctuation.delimiter

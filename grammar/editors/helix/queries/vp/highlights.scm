; Written by `just gen` from grammar/editors/templates; edit there.
;
; Colours for `.vp`. Predicates are `#match?` only: one that an editor does not know would cost all
; colours there. What follows overlaps in three places, and either winner looks right.

(comment) @comment

; Heads
((kind) @keyword
  (#match? @keyword "^(label|category|mixture|tokenizer|dataset|scale|encoder|adaptation|stage|benchmark|suite|group|experiment|pretrain|adapt|eval|align_score|hypothesis|report|table|plot|trend|ranking|correlation)$"))
(block name: (identifier) @type)
(let name: (identifier) @constant)
(parameter name: (identifier) @variable.parameter)
((type) @type.builtin
  (#match? @type.builtin "^(share|count|tokens|number|flag|mixture|category|label|scale|tokenizer|schedule|dataset|encoder|adaptation)$"))
(vary axis: (identifier) @constant)
(axes axis: (identifier) @constant)
(use module: (path (identifier) @namespace))
(use alias: (identifier) @namespace)
(for_clause name: (identifier) @variable.parameter)

; Fields: names of parts, then the fields of the schema
(field name: (path (identifier) @variable))
(field name: (path (identifier) @variable.other.member .)
  (#match? @variable.other.member "^(accept|activations|along|any|at|band|batch|before|benchmarks|beta1|beta2|between|blocks|budget|cells|chance|clamp|clip|colour|columns|compare|context|controls|data|effect|encoder|encoders|epochs|expect|explain|family|file|format|formula|from|heads|held_out|hidden|image|images|items|judge|keep|kv_heads|labels|layer|layers|lines|max_epochs|measure|method|micro_batch|mlp|model|neighbours|of|over|overall|panel|patch|pooling|precision|projector|rate|relative_to|rope_base|rows|sample|schedule|score|seed|setup|source|suite|supply|template|test|tied|tokenizer|tokens|train|visual_tokens|vocabulary|weight_decay|weights|width|within|word|x|y)$"))
(member name: (identifier) @variable)

; Functions: mixtures with parameters, then the built-in ones
(call function: (identifier) @function)
(call function: (identifier) @function.builtin
  (#match? @function.builtin "^(text|jsonl|world|planned|scenes|folder|items|published|pool|only|without|thin|sample|join|blend|lerp|share_of|round|sum|len|count|constant|cosine|linear|wsd|initial|contrastive|masked|mlp|held_out|endpoint|page_trend|permutation|wilcoxon|paired_t|bootstrap|ci)$"))
(argument name: (identifier) @variable.parameter)

; Values
(number) @constant.numeric
((suffix) @constant.numeric
  (#match? @constant.numeric "^(%|k|M|B|T)$"))
((suffix) @type
  (#match? @type "^(tokens|token|sequences|sequence|steps|step|bytes|byte|KiB|MiB|GiB|TiB|GPUh)$"))
((unit) @type
  (#match? @type "^(tokens|token|sequences|sequence|steps|step|bytes|byte|KiB|MiB|GiB|TiB|GPUh)$"))
(string) @string
(escape) @constant.character.escape
(boolean) @constant.builtin.boolean
[(none) (rest)] @constant.builtin

; Words
["use" "let" "vary" "where" "check"] @keyword
["as" "with" "for" "in" "if" "then" "else" "every"] @keyword
["not" "and" "or" "by"] @keyword.operator

["=" "==" "!=" "<" "<=" ">" ">=" "+" "-" "*" "/" ".."] @operator
["{" "}" "(" ")" "[" "]"] @punctuation.bracket
["," ":" "."] @punctuation.delimiter

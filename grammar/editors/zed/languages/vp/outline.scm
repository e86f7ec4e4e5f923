(block kind: (kind) @context name: (identifier) @name) @item
(let "let" @context name: (identifier) @name) @item

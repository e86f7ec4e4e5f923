[(body) (list) (group) (parameters) (arguments) (axes)] @indent

["}" "]" ")"] @outdent

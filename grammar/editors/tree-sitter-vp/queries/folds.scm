[(body) (list) (parameters) (arguments)] @fold

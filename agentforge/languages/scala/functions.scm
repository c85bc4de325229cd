; A package at the head of a file names all that follows and has no end of its own.
(package_clause name: (_) @name body: (_)) @scope
(package_object name: (_) @name) @scope
(class_definition name: (_) @name) @class
(object_definition name: (_) @name) @class
(trait_definition name: (_) @name) @class
(enum_definition name: (_) @name) @class

(function_definition
  name: (_) @name
  parameters: (_)* @parameters
  body: (_) @body) @function

; val name = (a: Int) => ...
(val_definition
  pattern: (identifier) @name
  value: [
    (lambda_expression parameters: (_) @parameters) @function
    (block . (lambda_expression parameters: (_) @parameters) @function .)
  ])
(var_definition
  pattern: (identifier) @name
  value: (lambda_expression parameters: (_) @parameters) @function)

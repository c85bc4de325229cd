(class_declaration name: (_) @name) @class
(object_declaration name: (_) @name) @class
; Members of a companion are called by the class's own name; a named one has a name of its own.
(companion_object name: (_) @name) @class

; fun <T> List<T>.name(a: Int)
(function_declaration
  . [(modifiers) (type_parameters)]*
  . [(user_type) (nullable_type (_)) (parenthesized_type)] @receiver
  name: (_) @name
  (function_value_parameters) @parameters
  (function_body) @body) @function
(function_declaration
  name: (_) @name
  (function_value_parameters) @parameters
  (function_body) @body) @function
(secondary_constructor
  "constructor" @name
  (function_value_parameters) @parameters
  (block)? @body) @function
(anonymous_initializer
  "init" @name
  (block) @body) @function

(property_declaration
  (variable_declaration (identifier) @receiver)
  (getter "get" @name (function_body) @body) @function)
(property_declaration
  (variable_declaration (identifier) @receiver)
  (setter "set" @name (function_body) @body) @function)

; val name = { a: Int -> ... }, val name = fun(a: Int) { ... }
(property_declaration
  (variable_declaration (identifier) @name)
  (lambda_literal (lambda_parameters)? @parameters) @function)
(property_declaration
  (variable_declaration (identifier) @name)
  (anonymous_function
    (function_value_parameters) @parameters
    (function_body) @body) @function)

(namespace_declaration name: (_) @name) @scope
(file_scoped_namespace_declaration name: (_) @name) @scope.rest

(class_declaration name: (_) @name) @class
(struct_declaration name: (_) @name) @class
(record_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @class
(enum_declaration name: (_) @name) @class

(method_declaration
  name: (_) @name
  parameters: (_) @parameters
  body: (_) @body) @function
(constructor_declaration
  name: (_) @name
  parameters: (_) @parameters
  body: (_) @body) @function
(destructor_declaration
  "~" @name
  name: (_) @name
  parameters: (_) @parameters
  body: (_) @body) @function
; A reserved word for a name is an `else if` after an `#if`, which the parser took for a type and a name.
(local_function_statement
  name: (_) @name
  parameters: (_) @parameters
  body: (_) @body
  (#not-match? @name "^(if|for|foreach|while|switch|else|do|return|catch|using|lock)$")) @function
(operator_declaration
  "operator" @name
  operator: _ @name
  parameters: (_) @parameters
  body: (_) @body) @function
; implicit operator int(Order order)
(conversion_operator_declaration
  "operator" @name
  type: (_) @name
  parameters: (_) @parameters
  body: (_) @body) @function

; A property with a body, and each accessor that has one
(property_declaration
  name: (_) @name
  value: (arrow_expression_clause) @body) @function
(indexer_declaration
  "this" @name
  parameters: (_) @parameters
  value: (arrow_expression_clause) @body) @function
(property_declaration
  name: (_) @receiver
  accessors: (accessor_list
    (accessor_declaration name: _ @name body: (_) @body) @function))
(indexer_declaration
  "this" @receiver
  parameters: (_) @parameters
  accessors: (accessor_list
    (accessor_declaration name: _ @name body: (_) @body) @function))
(event_declaration
  name: (_) @receiver
  accessors: (accessor_list
    (accessor_declaration name: _ @name body: (_) @body) @function))

; Func<int, int> name = x => x + 1;
(variable_declarator
  name: (_) @name
  (lambda_expression
    parameters: (_) @parameters
    body: (_) @body) @function)
(variable_declarator
  name: (_) @name
  (anonymous_method_expression
    parameters: (_)? @parameters
    (block) @body) @function)

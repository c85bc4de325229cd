(namespace_definition name: (_) @name) @scope

(class_specifier name: (_) @name body: (_)) @class
(struct_specifier name: (_) @name body: (_)) @class
(union_specifier name: (_) @name body: (_)) @class

; A function's name sits inside as many declarators as its return type has stars and references. A reserved word for a
; name is a statement after a macro, which the parser took for a type. `= default` and `= delete` have no body.
(function_definition
  declarator: [
    (function_declarator
      declarator: [
        (identifier) @name
        (field_identifier) @name
        (qualified_identifier) @name
        (destructor_name) @name
        (operator_name) @name
        (template_function) @name
        (parenthesized_declarator (identifier) @name)
      ]
      parameters: (parameter_list) @parameters)
    (_ (function_declarator
      declarator: [(identifier) (field_identifier) (qualified_identifier) (operator_name) (template_function)] @name
      parameters: (parameter_list) @parameters))
    (_ (_ (function_declarator
      declarator: [(identifier) (field_identifier) (qualified_identifier) (operator_name) (template_function)] @name
      parameters: (parameter_list) @parameters)))
    ; operator bool()
    (operator_cast
      "operator" @name
      type: (_) @name
      declarator: (abstract_function_declarator parameters: (parameter_list) @parameters))
    (qualified_identifier
      scope: (_) @receiver
      name: (operator_cast
        "operator" @name
        type: (_) @name
        declarator: (abstract_function_declarator parameters: (parameter_list) @parameters)))
    ; int (*name(int a))(int): a function that returns a pointer to a function
    (function_declarator
      declarator: (parenthesized_declarator
        (_ (function_declarator
          declarator: (identifier) @name
          parameters: (parameter_list) @parameters))))
  ]
  [(compound_statement) (try_statement)] @body
  (#not-match? @name "^(if|for|while|switch|else|do|return|sizeof|catch)$")) @function

; auto name = [](int a) { ... };
(init_declarator
  declarator: (identifier) @name
  value: (lambda_expression
    declarator: (abstract_function_declarator parameters: (parameter_list) @parameters)?
    body: (_) @body) @function)

; A function's name sits inside as many declarators as its return type has stars. A reserved word for a name is a
; statement after a macro, which the parser took for a type.
(function_definition
  declarator: [
    (function_declarator
      declarator: [(identifier) @name (parenthesized_declarator (identifier) @name)]
      parameters: (parameter_list) @parameters)
    (pointer_declarator
      declarator: (function_declarator
        declarator: (identifier) @name
        parameters: (parameter_list) @parameters))
    (pointer_declarator
      declarator: (pointer_declarator
        declarator: (function_declarator
          declarator: (identifier) @name
          parameters: (parameter_list) @parameters)))
    ; int (*name(int a))(int): a function that returns a pointer to a function
    (function_declarator
      declarator: (parenthesized_declarator
        (pointer_declarator
          declarator: (function_declarator
            declarator: (identifier) @name
            parameters: (parameter_list) @parameters))))
  ]
  body: (compound_statement) @body
  (#not-match? @name "^(if|for|while|switch|else|do|return|sizeof)$")) @function

(function_definition) @scope

(parameter_declaration declarator: [
  (identifier) @parameter
  (pointer_declarator declarator: (identifier) @parameter)
  (pointer_declarator declarator: (pointer_declarator declarator: (identifier) @parameter))
  (array_declarator declarator: (identifier) @parameter)
  (array_declarator declarator: (pointer_declarator declarator: (identifier) @parameter))
  (pointer_declarator declarator: (array_declarator declarator: (identifier) @parameter))
])

(init_declarator declarator: [
  (identifier) @name
  (pointer_declarator declarator: (identifier) @name)
  (array_declarator declarator: (identifier) @name)
] value: (_) @value)
(assignment_expression left: (identifier) @name operator: "=" right: (_) @value)
(assignment_expression left: (identifier) @name operator: "+=" right: (_) @more)
(call_expression function: (identifier) @_name arguments: (argument_list . (identifier) @name . (_) @value)
  (#any-of? @_name "strcpy" "strncpy" "strlcpy" "memcpy"))
(call_expression function: (identifier) @_name arguments: (argument_list . (identifier) @name . (_) @more)
  (#any-of? @_name "strcat" "strncat" "strlcat"))
(call_expression function: (identifier) @_name arguments: (argument_list . (identifier) @name (_) @more)
  (#any-of? @_name "sprintf" "snprintf"))
(call_expression function: (identifier) @_name arguments: (argument_list . (identifier) @name .  (_)) (#any-of? @_name "fgets" "gets")) @value @input

(if_statement consequence: (_) @branch)
(else_clause) @branch
(for_statement body: (_) @branch)
(while_statement body: (_) @branch)
(do_statement body: (_) @branch)
(case_statement) @branch

(identifier) @use
(conditional_expression condition: (_) @other)
(binary_expression operator: ["==" "!=" "<" ">" "<=" ">=" "&&" "||"]) @other
(sizeof_expression) @other

(call_expression) @call

((call_expression) @environment (#match? @environment "^(secure_)?getenv\\("))
((subscript_expression argument: (identifier) @_name) @arguments (#eq? @_name "argv"))
((identifier) @arguments (#eq? @arguments "optarg"))

(function_declaration
  name: (identifier) @name
  parameters: (_) @parameters
  body: (_)? @body) @function
; function M.open(), function M.store:save()
(function_declaration
  name: [
    (dot_index_expression table: (_) @receiver field: (_) @name)
    (method_index_expression table: (_) @receiver method: (_) @name)
  ]
  parameters: (_) @parameters
  body: (_)? @body) @function

; name = function() ... end, M.name = function() ... end
(assignment_statement
  (variable_list
    .
    name: [
      (identifier) @name
      (dot_index_expression table: (_) @receiver field: (_) @name)
      (bracket_index_expression table: (_) @receiver field: (string content: (_) @name))
    ])
  (expression_list
    .
    value: (function_definition
      parameters: (_) @parameters
      body: (_)? @body) @function))

; name = { ... }: what the table holds is called by its name
(assignment_statement
  (variable_list . name: (identifier) @name)
  (expression_list . value: (table_constructor) @scope))

; { name = function() ... end }
(field
  name: [(identifier) @name (string content: (_) @name)]
  value: (function_definition
    parameters: (_) @parameters
    body: (_)? @body) @function)

(function_declaration) @scope
(function_definition) @scope

(parameters name: (identifier) @parameter)

(assignment_statement (variable_list . name: (identifier) @name .) (expression_list . value: (_) @value .))
(assignment_statement (variable_list name: (identifier) @name . (_)) (expression_list . value: (function_call) @value .))
(assignment_statement (variable_list (_) . name: (identifier) @unclear))
(assignment_statement (variable_list name: (identifier) @unclear . (_)) (expression_list (_) . (_)))
(for_generic_clause (variable_list name: (identifier) @unclear))
(for_numeric_clause name: (identifier) @unclear)

(if_statement consequence: (_) @branch)
(elseif_statement) @branch
(else_statement) @branch
(for_statement body: (_) @branch)
(while_statement body: (_) @branch)
(repeat_statement body: (_) @branch)

(identifier) @use
(dot_index_expression field: (_) @other)
(method_index_expression method: (_) @other)
(bracket_index_expression field: (_) @other)
(binary_expression ["==" "~=" "<" ">" "<=" ">="]) @other

(function_call) @call
(function_call name: (dot_index_expression table: (identifier) @_table @other field: (identifier) @_name)
  (#any-of? @_table "string" "table") (#any-of? @_name "format" "lower" "upper" "gsub" "sub" "concat" "rep")) @through
(function_call name: (method_index_expression method: (identifier) @_name)
  (#any-of? @_name "format" "lower" "upper" "gsub" "sub")) @through
(function_call name: (identifier) @_name @other (#eq? @_name "tostring")) @through

([(function_call) (dot_index_expression)] @request (#match? @request "^ngx[.](var[.]|req[.]get_)"))
((function_call) @environment (#match? @environment "^os[.]getenv\\("))
([(bracket_index_expression)] @arguments (#match? @arguments "^arg\\["))
((function_call) @input (#match? @input "^io[.](read|stdin:read)\\("))

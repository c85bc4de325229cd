(function_definition) @scope
(lambda_expression) @scope
(template_body) @scope

(parameter name: (identifier) @parameter)
(lambda_expression parameters: (identifier) @parameter)

(val_definition pattern: (identifier) @name value: (_) @value)
(var_definition pattern: (identifier) @name value: (_) @value)
(assignment_expression left: (identifier) @name right: (_) @value)
(infix_expression left: (identifier) @name operator: (operator_identifier) @_sign right: (_) @more (#eq? @_sign "+="))
(enumerator . (identifier) @name . (_) @value)

(if_expression consequence: (_) @branch)
(if_expression alternative: (_) @branch)
(while_expression body: (_) @branch)
(case_clause) @branch
(catch_clause) @branch

(identifier) @use
(field_expression field: (identifier) @other)
(if_expression condition: (_) @other)
(interpolated_string_expression interpolator: (_) @other)

(call_expression) @call
(instance_expression) @call
(call_expression function: (field_expression field: (identifier) @_name)
  (#any-of? @_name "format" "trim" "toLowerCase" "toUpperCase" "concat" "mkString" "replace")) @through

((call_expression) @request (#match? @request "^(request|req)[.](getQueryString|getParameter|getHeader|param|queryString)\\b"))
((call_expression) @environment (#match? @environment "^(sys[.]env|System[.]get(env|Property))\\b"))
((call_expression) @input (#match? @input "^(scala[.]io[.])?StdIn[.]readLine\\(|^readLine\\("))

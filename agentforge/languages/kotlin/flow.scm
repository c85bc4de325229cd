(function_declaration) @scope
(lambda_literal) @scope
(anonymous_function) @scope
(class_body) @scope
(secondary_constructor) @scope

(function_value_parameters (parameter . (identifier) @parameter))
(lambda_parameters (variable_declaration (identifier) @parameter))

(property_declaration (variable_declaration (identifier) @name) . (_) @value)
(assignment left: (identifier) @name "=" right: (_) @value)
(assignment left: (identifier) @name "+=" right: (_) @more)
(for_statement (variable_declaration (identifier) @name) . (_) @value)

(block) @branch
(when_entry) @branch
(if_expression condition: (_) . (_) @branch)
(catch_block) @branch

(identifier) @use
(navigation_expression (_) . (identifier) @other)
(value_argument (identifier) @other "=")
(if_expression condition: (_) @other)
(index_expression (_) . (_) @other)
(string_literal) @names.dollar

(call_expression) @call
(call_expression (navigation_expression (_) (identifier) @_name .)
  (#any-of? @_name "format" "trim" "lowercase" "uppercase" "toString" "plus" "trimIndent" "trimMargin" "replace")) @through

((call_expression) @request
  (#match? @request "^(request|req|call[.](request|parameters)|call)[.](getParameter|getHeader|queryParameters|parameters|receiveText|queryParam|param)\\b"))
((call_expression) @environment (#match? @environment "^System[.]get(env|Property)\\("))
((call_expression) @input (#match? @input "^(readLine|readln|readlnOrNull)\\("))

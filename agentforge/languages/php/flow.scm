(function_definition) @scope
(method_declaration) @scope
(anonymous_function) @scope
(arrow_function) @scope

(simple_parameter name: (variable_name) @parameter)
(variadic_parameter name: (variable_name) @parameter)
(property_promotion_parameter name: (variable_name) @parameter)
(anonymous_function_use_clause (variable_name) @unclear)
(global_declaration (variable_name) @unclear)
(catch_clause name: (variable_name) @unclear)

(assignment_expression left: (variable_name) @name right: (_) @value)
(augmented_assignment_expression left: (variable_name) @name right: (_) @more)
(assignment_expression left: (list_literal (variable_name) @unclear))
(foreach_statement . (_) @value . (variable_name) @name)
(foreach_statement . (_) @value . (pair (_) . (variable_name) @name))
(foreach_statement (pair . (variable_name) @unclear))

(if_statement body: (_) @branch)
(else_clause) @branch
(else_if_clause) @branch
(foreach_statement body: (_) @branch)
(for_statement body: (_) @branch)
(while_statement body: (_) @branch)
(catch_clause) @branch
(case_statement) @branch
(default_statement) @branch

(variable_name) @use
(variable_name (name) @_name @other (#eq? @_name "this")) 
(subscript_expression (_) . (_) @other)
(conditional_expression condition: (_) @other)
(binary_expression operator: ["==" "===" "!=" "!==" "<" ">" "<=" ">=" "&&" "||"]) @other

(function_call_expression) @call
(member_call_expression) @call
(scoped_call_expression) @call
(object_creation_expression) @call
(function_call_expression function: (name) @_name
  (#any-of? @_name "sprintf" "implode" "join" "trim" "ltrim" "rtrim" "strtolower" "strtoupper" "str_replace" "urldecode" "rawurldecode" "stripslashes" "base64_decode" "vsprintf")) @through

([(subscript_expression) (variable_name)] @request (#match? @request "^[$]_(GET|POST|REQUEST|COOKIE|FILES|SERVER)\\b"))
([(subscript_expression) (function_call_expression)] @environment (#match? @environment "^([$]_ENV\\b|getenv\\()"))
([(subscript_expression) (variable_name)] @arguments (#match? @arguments "^[$]argv\\b"))
((function_call_expression) @input (#match? @input "php://(input|stdin)|^readline\\(|^fgets\\(STDIN"))

(function_declaration) @scope
(init_declaration) @scope
(lambda_literal) @scope
(class_body) @scope

(parameter name: (simple_identifier) @parameter)
(lambda_parameter name: (simple_identifier) @parameter)

(property_declaration name: (pattern bound_identifier: (simple_identifier) @name) value: (_) @value)
(assignment target: (directly_assignable_expression . (simple_identifier) @name .) operator: "=" result: (_) @value)
(assignment target: (directly_assignable_expression . (simple_identifier) @name .) operator: "+=" result: (_) @more)
(for_statement item: (pattern bound_identifier: (simple_identifier) @name) collection: (_) @value)
(if_statement bound_identifier: (simple_identifier) @unclear)
(guard_statement bound_identifier: (simple_identifier) @unclear)

(if_statement (statements) @branch)
(else) @branch
(for_statement (statements) @branch)
(while_statement (statements) @branch)
(guard_statement (statements) @branch)
(switch_entry) @branch
(catch_block) @branch

(simple_identifier) @use
(navigation_suffix suffix: (_) @other)
(value_argument_label) @other
(ternary_expression condition: (_) @other)

(call_expression) @call
(call_expression (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @_name))
  (#any-of? @_name "lowercased" "uppercased" "trimmingCharacters" "appending" "joined" "replacingOccurrences")) @through
(call_expression . (simple_identifier) @_name @other (#eq? @_name "String")) @through

((navigation_expression) @environment (#match? @environment "^ProcessInfo[.]processInfo[.]environment"))
((call_expression) @environment (#match? @environment "^ProcessInfo[.]processInfo[.]environment|^getenv\\("))
([(navigation_expression) (call_expression)] @arguments (#match? @arguments "^(CommandLine|ProcessInfo[.]processInfo)[.]arguments\\b"))
((call_expression) @input (#match? @input "^readLine\\("))

(function_declaration) @scope
(generator_function_declaration) @scope
(function_expression) @scope
(generator_function) @scope
(arrow_function) @scope
(method_definition) @scope
(class_body) @scope

(arrow_function parameter: (identifier) @parameter)
((identifier) @parameter (#has-parent? @parameter "formal_parameters"))
(assignment_pattern left: (identifier) @parameter (#has-ancestor? @parameter "formal_parameters"))
(rest_pattern (identifier) @parameter (#has-ancestor? @parameter "formal_parameters"))
(object_pattern (shorthand_property_identifier_pattern) @parameter (#has-ancestor? @parameter "formal_parameters"))
(object_pattern (pair_pattern value: (identifier) @parameter) (#has-ancestor? @parameter "formal_parameters"))
(catch_clause parameter: (identifier) @unclear)

(variable_declarator name: (identifier) @name value: (_) @value)
(variable_declarator name: (object_pattern (shorthand_property_identifier_pattern) @name) value: (_) @value)
(variable_declarator name: (object_pattern (pair_pattern value: (identifier) @name)) value: (_) @value)
(variable_declarator name: (array_pattern (identifier) @unclear))
(assignment_expression left: (identifier) @name right: (_) @value)
(assignment_expression left: (array_pattern (identifier) @unclear))
(augmented_assignment_expression left: (identifier) @name right: (_) @more)
(for_in_statement left: (identifier) @name right: (_) @value)
(for_in_statement left: [(array_pattern (identifier) @unclear) (object_pattern (shorthand_property_identifier_pattern) @unclear)])

(if_statement consequence: (_) @branch)
(else_clause) @branch
(for_statement body: (_) @branch)
(for_in_statement body: (_) @branch)
(while_statement body: (_) @branch)
(catch_clause) @branch
(switch_case) @branch
(switch_default) @branch

(identifier) @use
(subscript_expression index: (_) @other)
(ternary_expression condition: (_) @other)
(binary_expression operator: ["==" "===" "!=" "!==" "<" ">" "<=" ">=" "in" "instanceof"]) @other
(unary_expression operator: ["!" "typeof"]) @other

(call_expression) @call
(new_expression) @call
(call_expression function: (member_expression property: (property_identifier) @_name)
  (#any-of? @_name "concat" "join" "trim" "toLowerCase" "toUpperCase" "toString" "replace" "slice" "substring")) @through
(call_expression function: (identifier) @_name @other (#eq? @_name "String")) @through

([(call_expression) (subscript_expression) (member_expression)] @request
  (#match? @request "^(req|request|ctx([.]request)?)[.](query|params|body|headers|cookies|param\\(|get\\(|header\\()"))
([(call_expression) (subscript_expression) (member_expression)] @address
  (#match? @address "^(window[.]|document[.])?location[.](hash|search|href|pathname)\\b"))
([(subscript_expression) (member_expression)] @environment (#match? @environment "^process[.]env\\b"))
([(call_expression) (subscript_expression) (member_expression)] @arguments (#match? @arguments "^process[.]argv\\b"))
((call_expression) @input (#match? @input "^(window[.])?prompt\\("))

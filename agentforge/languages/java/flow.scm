(method_declaration) @scope
(constructor_declaration) @scope
(lambda_expression) @scope
(class_body) @scope

(formal_parameter name: (identifier) @parameter)
(spread_parameter (variable_declarator name: (identifier) @parameter))
(lambda_expression parameters: (identifier) @parameter)
(inferred_parameters (identifier) @parameter)
(catch_formal_parameter name: (identifier) @unclear)

(variable_declarator name: (identifier) @name value: (_) @value)
(assignment_expression left: (identifier) @name operator: "=" right: (_) @value)
(assignment_expression left: (identifier) @name operator: "+=" right: (_) @more)
(enhanced_for_statement name: (identifier) @name value: (_) @value)
(resource name: (identifier) @name value: (_) @value)

(block) @branch
(if_statement consequence: (_) @branch)
(if_statement alternative: (_) @branch)
(for_statement body: (_) @branch)
(while_statement body: (_) @branch)
(switch_block_statement_group) @branch
(switch_rule) @branch

(identifier) @use
(field_access field: (identifier) @other)
(method_invocation name: (identifier) @other)
(array_access index: (_) @other)
(ternary_expression condition: (_) @other)
(binary_expression operator: ["==" "!=" "<" ">" "<=" ">=" "&&" "||"]) @other
(instanceof_expression) @other

(method_invocation) @call
(object_creation_expression) @call
(method_invocation name: (identifier) @_name
  (#any-of? @_name "format" "concat" "trim" "strip" "toLowerCase" "toUpperCase" "toString" "append" "formatted" "join" "valueOf" "replace")) @through

((method_invocation) @request
  (#match? @request "^(\\w*[rR]eq(uest)?|\\w*[cC]ontext|\\w*[eE]xchange)([.]getRequest\\(\\))?[.]get(Parameter\\w*|Header\\w*|QueryString|PathInfo|RequestURI|Cookies)\\("))
((method_invocation) @environment (#match? @environment "^System[.]get(env|Property)\\("))
((method_invocation) @input (#match? @input "[.](readLine|nextLine)\\(\\)$"))

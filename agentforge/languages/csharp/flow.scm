(method_declaration) @scope
(constructor_declaration) @scope
(local_function_statement) @scope
(accessor_declaration) @scope
(lambda_expression) @scope
(anonymous_method_expression) @scope
(declaration_list) @scope

(parameter name: (identifier) @parameter)
(implicit_parameter) @parameter

(variable_declarator name: (identifier) @name . (_) @value)
(assignment_expression left: (identifier) @name operator: "=" right: (_) @value)
(assignment_expression left: (identifier) @name operator: "+=" right: (_) @more)
(foreach_statement left: (identifier) @name right: (_) @value)
(catch_declaration name: (identifier) @unclear)
(argument "out" (identifier) @unclear)

(block) @branch
(if_statement consequence: (_) @branch)
(if_statement alternative: (_) @branch)
(for_statement body: (_) @branch)
(foreach_statement body: (_) @branch)
(while_statement body: (_) @branch)
(switch_section) @branch

(identifier) @use
(member_access_expression name: (_) @other)
(argument name: (identifier) @other)
(element_access_expression subscript: (_) @other)
(conditional_expression condition: (_) @other)
(binary_expression operator: ["==" "!=" "<" ">" "<=" ">=" "&&" "||"]) @other

(invocation_expression) @call
(object_creation_expression) @call
(invocation_expression function: (member_access_expression name: (identifier) @_name)
  (#any-of? @_name "Format" "Concat" "Join" "Trim" "ToLower" "ToUpper" "ToString" "Replace" "Append")) @through

([(element_access_expression) (member_access_expression) (invocation_expression)] @request
  (#match? @request "^(this[.])?(HttpContext[.](Current[.])?)?Request([.](Query|Form|QueryString|Params|Headers|Cookies|Path|RawUrl)\\b|\\[)"))
((invocation_expression) @environment (#match? @environment "^(System[.])?Environment[.]GetEnvironmentVariable\\("))
((invocation_expression) @input (#match? @input "^(System[.])?Console[.]Read(Line)?\\("))

(function_definition) @scope
(lambda) @scope
(list_comprehension) @scope
(set_comprehension) @scope
(dictionary_comprehension) @scope
(generator_expression) @scope
(class_definition) @scope

(parameters [
  (identifier) @parameter
  (typed_parameter (identifier) @parameter)
  (default_parameter name: (identifier) @parameter)
  (typed_default_parameter name: (identifier) @parameter)
  (list_splat_pattern (identifier) @parameter)
  (dictionary_splat_pattern (identifier) @parameter)
] (#not-match? @parameter "^(self|cls)$"))
(lambda_parameters [(identifier) @parameter (default_parameter name: (identifier) @parameter)])

(assignment left: (identifier) @name right: (_) @value)
(assignment left: [(pattern_list (identifier) @unclear) (tuple_pattern (identifier) @unclear) (list_pattern (identifier) @unclear)])
(augmented_assignment left: (identifier) @name right: (_) @more)
(named_expression name: (identifier) @name value: (_) @value)
(for_statement left: (identifier) @name right: (_) @value)
(for_statement left: (pattern_list (identifier) @unclear))
(for_statement left: (tuple_pattern (identifier) @unclear))
(as_pattern (_) @value alias: (as_pattern_target (identifier) @name))
(delete_statement (identifier) @unclear)

(if_statement consequence: (_) @branch)
(elif_clause) @branch
(else_clause) @branch
(for_statement body: (_) @branch)
(while_statement body: (_) @branch)
(except_clause) @branch
(case_clause) @branch

(identifier) @use
(attribute attribute: (identifier) @other)
(keyword_argument name: (identifier) @other)
(subscript subscript: (_) @other)
(comparison_operator) @other
(conditional_expression . (_) . (_) @other)
(type) @other

(call) @call
(call function: (attribute attribute: (identifier) @_name)
  (#any-of? @_name "format" "join" "strip" "lstrip" "rstrip" "lower" "upper" "replace" "encode" "decode")) @through
(call function: (identifier) @_name @other (#any-of? @_name "str" "format")) @through

([(call) (subscript) (attribute)] @request
  (#match? @request "^(flask[.])?(self[.])?request[.](args|form|values|GET|POST|cookies|headers|json|get_json|data|get_data|files|query_params|META|body)\\b"))
([(call) (subscript)] @environment (#match? @environment "^os[.](getenv|environ)\\b"))
([(call) (subscript) (attribute)] @arguments (#match? @arguments "^sys[.]argv\\b"))
((call) @input (#match? @input "^(input\\(|raw_input\\(|sys[.]stdin[.])"))

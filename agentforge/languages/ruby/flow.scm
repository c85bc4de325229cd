(method) @scope
(singleton_method) @scope
(lambda) @scope
(block) @scope
(do_block) @scope
(class) @scope

(method_parameters [
  (identifier) @parameter
  (optional_parameter name: (identifier) @parameter)
  (keyword_parameter name: (identifier) @parameter)
  (splat_parameter name: (identifier) @parameter)
  (hash_splat_parameter name: (identifier) @parameter)
])
(block_parameters (identifier) @parameter)
(lambda_parameters (identifier) @parameter)

(assignment left: (identifier) @name right: (_) @value)
(operator_assignment left: (identifier) @name right: (_) @more)
(assignment left: (left_assignment_list (identifier) @unclear))
(binary left: (identifier) @name operator: "<<" right: (_) @more)
(exception_variable (identifier) @unclear)
(for pattern: (identifier) @name value: (in (_) @value))

(then) @branch
(else) @branch
(elsif) @branch
(if_modifier body: (_) @branch)
(unless_modifier body: (_) @branch)
(while body: (_) @branch)
(when) @branch
(rescue) @branch

(identifier) @use
(call method: (identifier) @other)
(element_reference object: (_) . (_) @other)
(conditional condition: (_) @other)
(binary operator: ["==" "!=" "<" ">" "<=" ">=" "&&" "||" "=~"]) @other

(call) @call
(call receiver: (_) method: (identifier) @_name
  (#any-of? @_name "strip" "downcase" "upcase" "to_s" "join" "chomp" "gsub" "sub" "concat" "squish" "freeze")) @through

([(element_reference) (call)] @request (#match? @request "^(params|cookies|request[.](params|headers|env|body|query_string))\\b"))
([(element_reference) (call)] @environment (#match? @environment "^ENV\\b"))
([(element_reference) (call)] @arguments (#match? @arguments "^ARGV\\b"))
([(call) (identifier)] @input (#match? @input "^(STDIN[.]|[$]stdin[.])?gets\\b"))

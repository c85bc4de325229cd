; inherits: c
(lambda_expression) @scope
(reference_declarator (identifier) @parameter (#has-ancestor? @parameter "parameter_list"))
(reference_declarator (identifier) @unclear (#not-has-ancestor? @unclear "parameter_list"))
(for_range_loop declarator: (identifier) @name right: (_) @value)
(for_range_loop body: (_) @branch)
(call_expression function: (field_expression field: (field_identifier) @_name)
  (#any-of? @_name "c_str" "str" "data" "append" "substr")) @through

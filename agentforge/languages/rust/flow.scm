(function_item) @scope
(closure_expression) @scope
(impl_item) @scope

(parameter pattern: (identifier) @parameter)
(closure_parameters (identifier) @parameter)

(let_declaration pattern: (identifier) @name value: (_) @value)
(let_declaration pattern: (tuple_pattern (identifier) @unclear))
(assignment_expression left: (identifier) @name right: (_) @value)
(compound_assignment_expr left: (identifier) @name right: (_) @more)
(call_expression function: (field_expression value: (identifier) @name field: (field_identifier) @_name) arguments: (arguments (_) @more)
  (#eq? @_name "push_str"))
(for_expression pattern: (identifier) @name value: (_) @value)
(tuple_struct_pattern (identifier) @unclear)

(if_expression consequence: (_) @branch)
(else_clause) @branch
(for_expression body: (_) @branch)
(while_expression body: (_) @branch)
(loop_expression body: (_) @branch)
(match_arm) @branch

(identifier) @use
(macro_invocation macro: (_) @other)
(token_tree "." . (identifier) @other)
(token_tree (identifier) @other . (token_tree) @other)
(scoped_identifier) @other
(index_expression (_) . (_) @other)
(if_expression condition: (_) @other)
(match_expression value: (_) @other)
(macro_invocation (token_tree . [(string_literal) (raw_string_literal)] @names.brace))

(call_expression) @call
(call_expression function: (field_expression field: (field_identifier) @_name)
  (#any-of? @_name "clone" "to_string" "to_owned" "trim" "to_lowercase" "to_uppercase" "as_str" "into" "as_ref" "unwrap" "replace" "join" "expect" "unwrap_or_default")) @through
(call_expression function: (scoped_identifier) @_path @other (#match? @_path "^String::from$")) @through

((call_expression) @environment (#match? @environment "^(std::)?env::var(_os)?\\("))
((call_expression) @arguments (#match? @arguments "^(std::)?env::args(_os)?\\("))

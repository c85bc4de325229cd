[
  (if_statement)
  (for_statement)
  (foreach_statement)
  (while_statement)
  (do_statement)
  (conditional_expression)
  (catch_clause)
] @nest @decision

; An `else if` after an `#if` looks like a local function to the parser.
(local_function_statement
  name: (identifier) @_name
  (#any-of? @_name "if" "for" "foreach" "while")) @nest @decision

(if_statement alternative: (_) @else)
(if_statement alternative: (if_statement) @elseif)

[
  (switch_statement)
  (switch_expression)
] @nest
(switch_section "case") @decision
; Every arm but the one that takes whatever is left
(switch_expression_arm . [(constant_pattern) (declaration_pattern) (recursive_pattern) (relational_pattern)
  (and_pattern) (or_pattern) (negated_pattern) (parenthesized_pattern) (type_pattern) (tuple_pattern)
  (list_pattern) (var_pattern)]) @decision

(binary_expression operator: ["&&" "||"]) @logical
(binary_expression operator: "??") @decision
(assignment_expression operator: "??=") @decision

[
  (preproc_if)
] @nest @decision
(preproc_elif) @elseif @decision
(preproc_else) @else

(goto_statement) @jump

[
  (lambda_expression)
  (anonymous_method_expression)
] @deepen

(invocation_expression function: (identifier) @call)
(invocation_expression
  function: (member_access_expression expression: "this" name: (identifier) @call))

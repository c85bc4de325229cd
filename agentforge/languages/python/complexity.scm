(if_statement) @nest @decision
(elif_clause) @elseif @decision
(if_statement alternative: (else_clause) @else)
(for_statement) @nest @decision
(while_statement) @nest @decision
(for_statement alternative: (else_clause) @decision)
(while_statement alternative: (else_clause) @decision)
(except_clause) @nest @decision
(conditional_expression) @nest @decision
(match_statement) @nest
(case_clause) @decision
(assert_statement) @decision
(for_in_clause) @decision
(if_clause) @decision
(lambda) @deepen
(boolean_operator) @logical
(call function: (identifier) @call.plain)
(call function: (attribute object: (identifier) @_self attribute: (identifier) @call.method)
  (#eq? @_self "self"))

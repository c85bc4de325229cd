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
; A condition is not inside of what it decides, the else of a loop not inside of the loop.
(if_statement condition: (_) @beside)
(elif_clause condition: (_) @beside)
(while_statement condition: (_) @beside)
(for_statement right: (_) @beside)
(for_statement alternative: (else_clause) @beside)
(while_statement alternative: (else_clause) @beside)
(conditional_expression (_) . (_) @beside . (_))
(case_clause) @decision
(assert_statement) @decision
(for_in_clause) @decision @flat
(if_clause) @decision @jump
(list_comprehension body: (_) @deepen)
(set_comprehension body: (_) @deepen)
(dictionary_comprehension body: (_) @deepen)
(generator_expression body: (_) @deepen)
(if_clause (_) @deepen)
; A decorator: a function and its return are all that it holds (Campbell 2018, appendix A).
(function_definition body: (block
  . (comment)*
  . [
    (function_definition) @wrapper
    (decorated_definition definition: (function_definition) @wrapper)
  ]
  . (comment)*
  . (return_statement)
  . (comment)* .))
(lambda) @deepen
(boolean_operator) @logical
(call function: (identifier) @call.plain)
(call function: (attribute object: (identifier) @_self attribute: (identifier) @call.method)
  (#eq? @_self "self"))

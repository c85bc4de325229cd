(function_definition) @scope

(variable_assignment name: (variable_name) @name value: (_) @value)
(for_statement variable: (variable_name) @name value: (_) @value)

(if_statement (_) @branch)
(else_clause) @branch
(elif_clause) @branch
(do_group) @branch
(case_item) @branch
(subshell) @branch

(variable_name) @use
(command_substitution) @call
((simple_expansion [(variable_name) (special_variable_name)]) @argument (#match? @argument "^[$]([0-9]|[@*])$"))
((expansion) @argument (#match? @argument "^[$][{]([0-9]|[@*])"))

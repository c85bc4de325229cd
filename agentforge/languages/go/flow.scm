(function_declaration) @scope
(method_declaration) @scope
(func_literal) @scope

(function_declaration parameters: (parameter_list (_ name: (identifier) @parameter)))
(method_declaration parameters: (parameter_list (_ name: (identifier) @parameter)))
(func_literal parameters: (parameter_list (_ name: (identifier) @parameter)))

(short_var_declaration left: (expression_list . (identifier) @name .) right: (_) @value)
; a, err := f(): the call gives both
(short_var_declaration left: (expression_list (identifier) @name . (identifier) .) right: (expression_list . (call_expression) @value .))
(short_var_declaration left: (expression_list (identifier) . (identifier) @unclear))
(short_var_declaration left: (expression_list . (identifier) @unclear . (identifier)) right: (expression_list (_) . (_)))
(var_spec . name: (identifier) @name . type: (_)? value: (_) @value)
(assignment_statement left: (expression_list . (identifier) @name .) operator: "=" right: (_) @value)
(assignment_statement left: (expression_list . (identifier) @name .) operator: "+=" right: (_) @more)
(assignment_statement left: (expression_list (identifier) @unclear . (_)))
(assignment_statement left: (expression_list (_) . (identifier) @unclear))
(range_clause left: (expression_list (_) . (identifier) @name) right: (_) @value)
(range_clause left: (expression_list . (identifier) @unclear . (_)))

(block) @branch
(expression_case) @branch
(type_case) @branch
(default_case) @branch
(communication_case) @branch

(identifier) @use
(index_expression index: (_) @other)
(keyed_element . (_) @other)
(binary_expression operator: ["==" "!=" "<" ">" "<=" ">=" "&&" "||"]) @other

(call_expression) @call
(call_expression function: (selector_expression operand: (identifier) @_package @other field: (field_identifier) @_name)
  (#any-of? @_package "fmt" "strings") (#any-of? @_name "Sprintf" "Sprint" "Sprintln" "Join" "TrimSpace" "ToLower" "ToUpper" "Trim" "Replace" "ReplaceAll")) @through
(call_expression function: (identifier) @_name @other (#any-of? @_name "string" "append")) @through
(type_conversion_expression) @through

([(call_expression) (index_expression) (selector_expression)] @request
  (#match? @request "^(r|req|request)[.](FormValue|PostFormValue|PathValue|URL[.](Query|Path|RawQuery)|Form|PostForm|Header|Cookie)\\b|^c[.](Param|Query|QueryParam|FormValue|PostForm|DefaultQuery|GetHeader)\\(|^mux[.]Vars\\("))
((call_expression) @environment (#match? @environment "^os[.](Getenv|LookupEnv)\\("))
([(index_expression) (selector_expression) (slice_expression) (call_expression)] @arguments (#match? @arguments "^(os[.]Args\\b|flag[.]Arg)"))

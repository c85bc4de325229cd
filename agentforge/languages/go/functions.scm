(function_declaration name: (_) @name parameters: (_) @parameters body: (_) @body) @function
(function_declaration name: (_) @name parameters: (_) @parameters !body) @function
(method_declaration
  receiver: (parameter_list
    (parameter_declaration
      type: [
        (type_identifier) @receiver
        (pointer_type (type_identifier) @receiver)
        (generic_type type: (type_identifier) @receiver)
        (pointer_type (generic_type type: (type_identifier) @receiver))
      ]))
  name: (_) @name
  parameters: (_) @parameters
  body: (_) @body) @function
(short_var_declaration
  left: (expression_list . (identifier) @name .)
  right: (expression_list . (func_literal parameters: (_) @parameters body: (_) @body) @function .))
(var_spec
  name: (identifier) @name
  value: (expression_list . (func_literal parameters: (_) @parameters body: (_) @body) @function .))

(type_spec name: (_) @name type: [(struct_type) (interface_type)]) @class

(module name: (_) @name) @scope
(class name: (_) @name) @class
; Point = Struct.new(:x, :y) do ... end
(assignment
  left: (constant) @name
  right: (call
    receiver: (constant) @_base
    method: (identifier) @_new
    block: (do_block))
  (#any-of? @_base "Class" "Module" "Struct" "Data")
  (#any-of? @_new "new" "define")) @class

(method
  name: (_) @name
  parameters: (_)? @parameters
  body: (_)? @body) @function
; `def self.open` is a method of the class that it stands in, `def Shop.open` names its own.
(singleton_method
  object: (self)
  name: (_) @name
  parameters: (_)? @parameters
  body: (_)? @body) @function
(singleton_method
  object: (_) @receiver
  name: (_) @name
  parameters: (_)? @parameters
  body: (_)? @body) @function

; define_method(:name) { |a| ... }
(call
  method: (identifier) @_define
  arguments: (argument_list . [(simple_symbol) @name (string (string_content) @name)])
  block: [
    (block parameters: (_)? @parameters body: (_)? @body)
    (do_block parameters: (_)? @parameters body: (_)? @body)
  ]
  (#any-of? @_define "define_method" "define_singleton_method")) @function

; name = ->(a) { ... }, name = lambda { |a| ... }, name = proc do |a| ... end
(assignment
  left: (_) @name
  right: (lambda parameters: (_)? @parameters body: (_) @body) @function)
(assignment
  left: (_) @name
  right: (call
    method: (identifier) @_lambda
    block: [
      (block parameters: (_)? @parameters body: (_)? @body)
      (do_block parameters: (_)? @parameters body: (_)? @body)
    ]) @function
  (#any-of? @_lambda "lambda" "proc"))

-- functions_by_words --
SELECT function_id FROM agentforge.functions_by_words(
    %(text)s, %(project_ids)s, %(language)s, %(kind)s, %(tests)s, %(most)s
);

-- near_functions --
-- Which of some functions are of the wanted kind, and are no tests unless these are wanted.
SELECT f.id FROM agentforge.functions AS f JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
WHERE f.id = ANY (%(ids)s) AND (%(tests)s OR NOT a.is_test)
  AND (%(kind)s::text IS NULL OR (%(kind)s = 'method') = (
      f.qualified_name <> f.function_name AND NOT EXISTS (
          SELECT FROM agentforge.functions AS o
          WHERE o.file_analysis_id = f.file_analysis_id
            AND o.qualified_name || '.' || f.function_name = f.qualified_name
      )));

-- functions_by_id --
SELECT p.name, a.file_path, a.file_type, f.qualified_name, f.function_signature, f.start_line, f.end_line,
       f.lines_of_code, f.cyclomatic, f.cognitive, f.code, f.id, f.description
FROM agentforge.functions AS f
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
JOIN agentforge.projects AS p ON p.id = f.project_id
WHERE f.id = ANY (%(ids)s);

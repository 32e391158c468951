"""Brazilian names for invented schools; they belong to no real person."""

_GIVEN = """
Abner Adriana Agatha Alana Alice Aline Amanda Amélia Ana André Antônio Arthur Aruã Augusto Ayla Beatriz Benício
Bento Bernardo Bianca Bruna Bruno Caio Camila Carlos Carolina Cauã Cecília Clara Conceição Cristiano Daniel Davi
Débora Diego Djalma Dandara Eduarda Eduardo Elisa Eloá Emanuel Emilly Enzo Érica Esther Fábio Fátima Felipe Fernanda
Flávia Francisco Gabriel Gabriela Giovanna Guilherme Gustavo Hadassa Heitor Helena Henrique Iara Igor Inácio Ingrid
Isaac Isabela Isadora Itamar Jaciara Jamile João Joaquim Jorge José Josué Juliana Kaique Kauê Kenji Laís Lara
Larissa Leandro Letícia Lívia Lorena Lucas Luana Lucca Luísa Luiz Luzia Maitê Malu Manuela Marcelo Marcos Maria
Mariana Mateus Maya Melissa Miguel Milena Moacir Murilo Naiara Natália Nathan Nicolas Nina Noah Olívia Otávio Pablo
Paulo Pedro Pietra Rafael Rafaela Raissa Ravi Rebeca Renan Renata Ricardo Roberta Rodrigo Rosa Samira Samuel Sandro
Sara Sofia Sônia Stella Taís Tainá Thiago Tomás Ubiratã Valentina Vanessa Vicente Victor Vitória Wagner Wesley Yara
Yasmin Yuki Yuri Zélia Zeca
"""

_FAMILY = """
Abdala Aguiar Albuquerque Almeida Alves Amaral Andrade Antunes Aparecida Araújo Assis Azevedo Baniwa Barbosa Barreto
Barros Batista Bezerra Bittencourt Borges Braga Brandão Brito Cabral Camargo Campos Cardoso Carvalho Castro
Cavalcanti Chagas Chaves Coelho Conceição Correia Costa Cruz Cunha Damasceno Dias Domingues Duarte Esteves
Evangelista Farias Fernandes Ferreira Figueiredo Fonseca França Freitas Fujita Furtado Galvão Garcia Gomes Gonçalves
Guimarães Haddad Hoffmann Holanda Ishikawa Jesus Kaingang Klein Krenak Leal Leite Lima Lopes Macedo Machado
Magalhães Maia Marques Martins Matos Medeiros Melo Mendes Menezes Miranda Monteiro Moraes Moreira Mota Moura
Munduruku Nakamura Nascimento Neves Nogueira Novaes Nunes Oliveira Pacheco Paixão Pataxó Peixoto Pereira Pinheiro
Pinto Pires Porto Prado Queiroz Ramos Rangel Rebouças Rezende Ribeiro Rocha Rodrigues Rossi Sá Salles Sampaio
Santana Santos Schneider Silva Silveira Siqueira Soares Souza Tavares Teixeira Terena Toledo Torres Tukano Valente
Vargas Vasconcelos Vaz Viana Vieira Vilela Wagner Xavier Yamada Zanetti
"""

GIVEN = tuple(_GIVEN.split())
FAMILY = tuple(_FAMILY.split())
